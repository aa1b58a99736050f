"""Rules in PostgreSQL."""

from collections.abc import Collection, Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import from_row, to_row
from services.orders.domain.rules import CUT_OFF, TOLERANCE, Rule, Rules

_SELECT = """
    SELECT rule_number, municipality, fraction, kind, value, citation, valid_from, valid_until FROM rules
"""
_SAVE = """
    INSERT INTO rules (rule_number, municipality, fraction, kind, value, citation, valid_from, valid_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (rule_number) DO UPDATE SET
        municipality = excluded.municipality, fraction = excluded.fraction, kind = excluded.kind,
        value = excluded.value, citation = excluded.citation, valid_from = excluded.valid_from,
        valid_until = excluded.valid_until
"""


class PostgresRuleRepository:
    """Implements ``usecases.ports.rules.RuleRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def by_number(self, numbers: Collection[str]) -> dict[str, Rule]:
        rows = await self._connection.fetch(f"{_SELECT} WHERE rule_number = ANY ($1)", list(numbers))
        return {row["rule_number"]: from_row(Rule, row) for row in rows}

    async def of_municipalities(self, municipalities: Collection[str]) -> Rules:
        """Return the rules of these municipalities that calendars and offers follow."""
        rows = await self._connection.fetch(
            f"{_SELECT} WHERE municipality = ANY ($1) AND kind = ANY ($2)", list(municipalities), [CUT_OFF, TOLERANCE]
        )
        return Rules(from_row(Rule, row) for row in rows)

    async def save(self, rules: Sequence[Rule]) -> None:
        await self._connection.executemany(_SAVE, [to_row(rule) for rule in rules])
