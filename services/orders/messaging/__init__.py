"""Handlers of the events of other services."""
