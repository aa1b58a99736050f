"""Reference data from the ERP: what of a file is new, what has changed, what stays as it is."""

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
    rows: Sequence[F], known: Mapping[K, F], key: Callable[[F], K], fault: Callable[[F], RowError | None]
) -> tuple[list[RowResult | RowError], list[F]]:
    """The result of each row, and the rows that are to be kept: the last of each key, if it says something new."""
    present, kept = dict(known), dict[K, F]()
    results: list[RowResult | RowError] = []
    for row in rows:
        place = key(row)
        if (bad := fault(row)) is not None:
            results.append(bad)
        elif place not in present:
            results.append(RowResult.ADDED)
            present[place] = kept[place] = row
        elif present[place] != row:
            results.append(RowResult.CHANGED)
            present[place] = kept[place] = row
        else:
            results.append(RowResult.UNCHANGED)
    return results, list(kept.values())


def validity_problem(row: HasValidity) -> RowError | None:
    """What is wrong with a row that ends before it begins."""
    if row.valid_until is not None and row.valid_until < row.valid_from:
        return row_error("valid_until", "BEFORE_START", start=row.valid_from)
    return None
