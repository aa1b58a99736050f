"""How many calls may be made a second time: few, so that a service in trouble is not asked twice as much."""

CALLS_PER_RETRY = 10
"""Answered calls that earn a repetition."""
MAX_SAVED_RETRIES = 20
"""Repetitions that are saved up at most, and that there are at the beginning."""


class RetryBudget:
    """The repetitions that one service may be asked."""

    def __init__(self) -> None:
        self._saved = MAX_SAVED_RETRIES * CALLS_PER_RETRY
        self._calls_seen = 0

    def take(self, answers: int) -> bool:
        """Whether there is one left, now that so many calls have been answered in all; then it is used up."""
        self._saved = min(MAX_SAVED_RETRIES * CALLS_PER_RETRY, self._saved + answers - self._calls_seen)
        self._calls_seen = answers
        if self._saved < CALLS_PER_RETRY:
            return False
        self._saved -= CALLS_PER_RETRY
        return True
