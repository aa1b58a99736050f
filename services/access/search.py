"""The condition of a search by words, on a table that has the searched text and its signature.

The columns ``search``, ``search_even`` and ``search_odd`` are made by ``chassis.searched_text`` and
``chassis.trigram_signature``; ``search`` has a trigram index.
"""

from collections.abc import Sequence

from services.access.reach import SearchCondition
from services.chassis.db.query import SqlQuery


def search_condition(query: SqlQuery, alias: str, words: Sequence[str]) -> SearchCondition | None:
    """Return the condition that a row's searched text has each of ``search_words``; None if there are none."""
    if not words:
        return None
    column = f"{alias}.search"
    values = [query.value(word) for word in words]
    # LIKE uses the index; where rows are scanned, strpos takes half the time of LIKE. Words have no wildcards.
    return SearchCondition(
        column=column,
        index_condition=" AND ".join(f"{column} LIKE (SELECT '%' || {value}::text || '%')" for value in values),
        # A subquery is evaluated once, in a generic plan too. With >= in place of = the planner expects many rows, and
        # follows the order's index.
        signature_condition=" AND ".join(
            f"{alias}.{half_column} & {signature} >= {signature}"
            for half, half_column in enumerate(("search_even", "search_odd"))
            for signature in [f"(SELECT {' | '.join(_signature(value, half) for value in values)})"]
        ),
        row_condition=" AND ".join(f"strpos({column}, {value}) > 0" for value in values),
    )


def _signature(value: str, half: int) -> str:
    return f"chassis.trigram_signature({value}, {half})"
