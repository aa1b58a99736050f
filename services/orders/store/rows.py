"""Rows to records and back: a column is named like its field, an enum is its value."""

import enum
import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from services.chassis.db.postgres import Row

S = TypeVar("S", bound=msgspec.Struct)


def from_row(kind: type[S], row: Row | Mapping[str, Any]) -> S:
    """The record of a row; columns that are no fields of it are left aside."""
    # The driver's uuid class is its own, and msgspec takes none but Python's.
    cells = {name: uuid.UUID(int=value.int) if isinstance(value, uuid.UUID) else value for name, value in row.items()}
    return msgspec.convert(cells, kind)


def to_row(record: msgspec.Struct) -> tuple[object, ...]:
    """The record's cells, in the order of its fields."""
    cells = msgspec.structs.astuple(record)
    return tuple(cell.value if isinstance(cell, enum.Enum) else cell for cell in cells)
