"""Contract of identity: users, organisations, partners, sign-in and access (I1 to I17)."""

# Each import of the contract declares its events: a consumer parks an event that it does not know.
from services.contracts.identity import events

__all__ = ["events"]
