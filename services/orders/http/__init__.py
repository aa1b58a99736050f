"""Orders' end of its contract."""
