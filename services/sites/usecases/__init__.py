"""The use cases of sites, one a file."""
