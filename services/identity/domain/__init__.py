"""The rules of identity. Pure: no input or output."""
