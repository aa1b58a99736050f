"""The operations of stats' contract."""
