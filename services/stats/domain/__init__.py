"""The domain of stats. Pure: no input or output."""
