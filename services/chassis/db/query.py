"""Query builder: every value is a parameter, and a query has only the conditions that apply.

An optional condition as ``$3 IS NULL OR ...`` would prevent the use of an index, since one plan has to fit both cases.
"""


class SqlQuery:
    """Values and conditions of a query."""

    def __init__(self, *values: object) -> None:
        self.values: list[object] = list(values)
        self._conditions: list[str] = []

    def value(self, value: object) -> str:
        """Add a value and return its placeholder."""
        self.values.append(value)
        return f"${len(self.values)}"

    def where(self, condition: str, *values: object) -> None:
        """Add a condition, in which ``{}`` stands for each of ``values``."""
        self._conditions.append(condition.format(*map(self.value, values)))

    @property
    def condition(self) -> str:
        """The conjunction of all conditions."""
        return " AND ".join(self._conditions) or "true"
