"""The use cases of stats, one a file."""
