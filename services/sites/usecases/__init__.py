"""The use cases of sites, a module each."""
