"""What was collected."""
