"""The rules of sites. Pure: no input or output."""
