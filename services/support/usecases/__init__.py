"""The use cases of support, one a file."""
