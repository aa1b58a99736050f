"""The delay before another attempt at a contact form's receipt (S1, S5)."""

_MAX_RETRY_DELAY_S = 600


def retry_delay_s(attempts: int) -> int:
    """Return the seconds until the next attempt, after so many that failed: 1, 2, 4, ... and ten minutes at most."""
    return min(_MAX_RETRY_DELAY_S, 1 << min(attempts - 1, 10))
