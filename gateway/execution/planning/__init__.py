"""Plans: the selection of an operation on each type, resolved once for each operation."""
