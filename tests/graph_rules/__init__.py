"""Rules of the graph's conventions: each yields a sentence for every breach in a schema."""
