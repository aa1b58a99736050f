"""The rules of support. Pure: no input or output."""
