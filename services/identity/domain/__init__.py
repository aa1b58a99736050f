"""The rules of identity, without input or output."""
