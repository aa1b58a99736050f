"""Access in every service, on a database."""
