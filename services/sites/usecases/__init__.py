"""What sites does, a file a verb."""
