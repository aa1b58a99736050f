"""Contract of support: contact forms, tickets with their threads, and messages to people (S1 to S7)."""

# Each import of the contract declares its events: a consumer parks an event that it does not know.
from services.contracts.support import events

__all__ = ["events"]
