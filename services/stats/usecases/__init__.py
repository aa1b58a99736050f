"""What stats does, a file a verb."""
