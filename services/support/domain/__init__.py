"""The domain of support. Pure: no input or output."""
