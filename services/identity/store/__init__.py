"""Identity's own data, in SQL."""
