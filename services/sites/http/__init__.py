"""Sites' end of its contract."""
