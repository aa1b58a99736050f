"""How many calls may be made a second time: few, so that a service in trouble is not asked twice as much."""

ANSWERS_EACH = 10
"""Answered calls that earn a repetition."""
MOST_SAVED = 20
"""Repetitions that are saved up at most, and that there are at the beginning."""


class Repeats:
    """The repetitions that one service may be asked."""

    def __init__(self) -> None:
        self._earned = MOST_SAVED * ANSWERS_EACH
        self._counted = 0

    def take(self, answers: int) -> bool:
        """Whether there is one left, now that so many calls have been answered in all; then it is used up."""
        self._earned = min(MOST_SAVED * ANSWERS_EACH, self._earned + answers - self._counted)
        self._counted = answers
        if self._earned < ANSWERS_EACH:
            return False
        self._earned -= ANSWERS_EACH
        return True
