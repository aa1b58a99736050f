"""What support does, a file a verb."""
