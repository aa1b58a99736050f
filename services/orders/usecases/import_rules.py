"""The import of the rules of municipalities and of the operator (O16)."""

from collections.abc import Sequence

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError, row_error
from services.orders.domain import rules
from services.orders.domain.rules import Rule
from services.orders.usecases.ports.transaction import OrdersStore
from services.orders.usecases.reference_data import merge_rows, validity_problem


async def import_rules(tx: OrdersStore, rows: Sequence[Rule]) -> list[RowResult | RowError]:
    """Save the rule of each row that adds or changes one, if its kind and value are valid."""
    known = await tx.rules.by_number({row.rule_number for row in rows})
    results, changed = merge_rows(
        rows, known, lambda row: row.rule_number, lambda row: _value_problem(row) or validity_problem(row)
    )
    await tx.rules.save(changed)
    return results


def _value_problem(rule: Rule) -> RowError | None:
    if rule.kind not in rules.EXAMPLES:
        return row_error("kind", "MALFORMED", reason="ONE_OF", expected=", ".join(sorted(rules.EXAMPLES)))
    if not rules.is_valid_value(rule):
        return row_error("value", "MALFORMED", expected=rules.EXAMPLES[rule.kind])
    return None
