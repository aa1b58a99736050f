"""What orders does, a file a verb."""
