"""Sites' API over HTTP."""
