"""Support's end of its contract, and of identity's, whom it asks whom to write to."""
