"""Handlers of the events of other services, and of the jobs that send messages."""
