"""Identity's API over HTTP."""
