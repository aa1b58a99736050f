"""Import of export files: CSV is staged, then applied in batches; bad rows are kept with their reason."""
