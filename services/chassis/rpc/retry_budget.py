"""Retry budget of a service: retries are a small share of its calls, so that they can't double an overload."""

CALLS_PER_RETRY = 10
"""Successful calls that earn a retry."""
MAX_SAVED_RETRIES = 20
"""Saved retries at most, and at the start."""


class RetryBudget:
    """Token bucket that successful calls fill."""

    def __init__(self) -> None:
        self._saved = MAX_SAVED_RETRIES * CALLS_PER_RETRY
        self._calls_seen = 0

    def take(self, successes: int) -> bool:
        """Take a retry and return whether there was one; ``successes`` counts all successful calls so far."""
        self._saved = min(MAX_SAVED_RETRIES * CALLS_PER_RETRY, self._saved + successes - self._calls_seen)
        self._calls_seen = successes
        if self._saved < CALLS_PER_RETRY:
            return False
        self._saved -= CALLS_PER_RETRY
        return True
