"""Plans: what an operation selects on which type, resolved once for each operation."""
