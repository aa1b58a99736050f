"""Taking in the municipalities' and the operator's rules (O16)."""

from collections.abc import Sequence

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError, row_error
from services.orders.domain import rules
from services.orders.domain.rules import Rule
from services.orders.usecases.ports import OrdersStore
from services.orders.usecases.reference_data import merge_rows, validity_problem


async def import_rules(tx: OrdersStore, rows: Sequence[Rule]) -> list[RowResult | RowError]:
    """Keep each row's rule, if its kind is known and its value can be read."""
    known = await tx.rules_by_number({row.rule_number for row in rows})
    results, kept = merge_rows(
        rows, known, lambda row: row.rule_number, lambda row: _value_problem(row) or validity_problem(row)
    )
    await tx.save_rules(kept)
    return results


def _value_problem(rule: Rule) -> RowError | None:
    if rule.kind not in rules.EXAMPLES:
        return row_error("kind", "MALFORMED", reason="ONE_OF", expected=", ".join(sorted(rules.EXAMPLES)))
    if not rules.is_valid_value(rule):
        return row_error("value", "MALFORMED", expected=rules.EXAMPLES[rule.kind])
    return None
