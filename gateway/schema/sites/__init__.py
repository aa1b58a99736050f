"""Fields of sites: sites and their containers."""
