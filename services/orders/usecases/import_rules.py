"""Taking in the municipalities' and the operator's rules (O16)."""

from collections.abc import Sequence

from services.chassis.export_files import Result
from services.chassis.row_reader import Bad, bad
from services.orders.domain import rules
from services.orders.domain.rules import Rule
from services.orders.usecases.ports import OrdersStore
from services.orders.usecases.settle import ends_early, settle


async def import_rules(tx: OrdersStore, rows: Sequence[Rule]) -> list[Result | Bad]:
    """Keep each row's rule, if its kind is known and its value can be read."""
    known = await tx.rules_by_number({row.rule_number for row in rows})
    results, kept = settle(rows, known, lambda row: row.rule_number, lambda row: _unreadable(row) or ends_early(row))
    await tx.save_rules(kept)
    return results


def _unreadable(rule: Rule) -> Bad | None:
    if rule.kind not in rules.EXAMPLES:
        return bad("kind", "MALFORMED", reason="ONE_OF", expected=", ".join(sorted(rules.EXAMPLES)))
    if not rules.is_readable(rule):
        return bad("value", "MALFORMED", expected=rules.EXAMPLES[rule.kind])
    return None
