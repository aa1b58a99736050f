"""Sites and their containers."""
