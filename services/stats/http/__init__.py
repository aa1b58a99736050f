"""Stats' end of its contract."""
