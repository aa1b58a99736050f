"""The rules of stats. Pure: no input or output."""
