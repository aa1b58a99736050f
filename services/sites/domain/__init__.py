"""The rules of sites, without input or output."""
