"""The rules of the trade. Pure: no input or output."""
