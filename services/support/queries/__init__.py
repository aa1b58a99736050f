"""The queries that callers see; each joins the caller's access in SQL."""
