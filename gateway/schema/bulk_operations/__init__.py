"""Bulk operations: the interface, its cancellation and its progress."""
