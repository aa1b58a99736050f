"""What every service knows of access, on a database."""
