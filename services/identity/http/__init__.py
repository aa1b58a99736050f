"""Identity's end of its contract."""
