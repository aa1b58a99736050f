"""What identity does, a file a verb."""
