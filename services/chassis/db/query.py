"""Queries that are put together: each value is a parameter, and only the conditions that are asked for stand in them.

A condition that says ``$3 IS NULL OR ...`` keeps an index from being used, for the plan has to fit both.
"""


class SqlQuery:
    """The values of a query so far, and the conditions that its rows must meet."""

    def __init__(self, *values: object) -> None:
        self.values: list[object] = list(values)
        self._conditions: list[str] = []

    def value(self, value: object) -> str:
        """Add a value; return the name of its parameter."""
        self.values.append(value)
        return f"${len(self.values)}"

    def where(self, condition: str, *values: object) -> None:
        """Add a condition, with ``{}`` in place of each of its values."""
        self._conditions.append(condition.format(*map(self.value, values)))

    @property
    def condition(self) -> str:
        """All conditions as one."""
        return " AND ".join(self._conditions) or "true"
