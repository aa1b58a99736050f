"""Handlers of the events of other services, and the loop that sends receipts."""
