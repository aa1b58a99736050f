"""The merge of reference data from the ERP into the known rows."""

import datetime as dt
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Protocol, TypeVar

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError, row_error


class HasValidity(Protocol):
    """A row with validity dates."""

    @property
    def valid_from(self) -> dt.date: ...

    @property
    def valid_until(self) -> dt.date | None: ...


F = TypeVar("F")
K = TypeVar("K", bound=Hashable)


def merge_rows(
    rows: Sequence[F], known: Mapping[K, F], key: Callable[[F], K], problem: Callable[[F], RowError | None]
) -> tuple[list[RowResult | RowError], list[F]]:
    """Return the result of each row, and the rows to save: the last of each key, if it adds or changes one."""
    present, changed = dict(known), dict[K, F]()
    results: list[RowResult | RowError] = []
    for row in rows:
        row_key = key(row)
        if (error := problem(row)) is not None:
            results.append(error)
        elif row_key not in present:
            results.append(RowResult.ADDED)
            present[row_key] = changed[row_key] = row
        elif present[row_key] != row:
            results.append(RowResult.CHANGED)
            present[row_key] = changed[row_key] = row
        else:
            results.append(RowResult.UNCHANGED)
    return results, list(changed.values())


def validity_problem(row: HasValidity) -> RowError | None:
    """Return the error of a row that ends before it begins."""
    if row.valid_until is not None and row.valid_until < row.valid_from:
        return row_error("valid_until", "BEFORE_START", start=row.valid_from)
    return None
