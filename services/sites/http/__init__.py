"""The operations of sites' contract."""
