"""Fields of stats: collected volumes."""
