"""The use cases of identity, one a file."""
