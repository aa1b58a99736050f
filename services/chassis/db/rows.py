"""The mapping of rows to records and back: columns are named like fields, enums stored as their values."""

import enum
import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from services.chassis.db.postgres import Row

S = TypeVar("S", bound=msgspec.Struct)


def from_row(kind: type[S], row: Row | Mapping[str, Any]) -> S:
    """Return the record of a row; columns without a field are ignored."""
    # asyncpg has a subclass of uuid.UUID, which msgspec does not convert.
    cells = {name: uuid.UUID(int=value.int) if isinstance(value, uuid.UUID) else value for name, value in row.items()}
    return msgspec.convert(cells, kind)


def to_row(record: msgspec.Struct) -> tuple[object, ...]:
    """Return a record's cells in the order of its fields."""
    cells = msgspec.structs.astuple(record)
    return tuple(cell.value if isinstance(cell, enum.Enum) else cell for cell in cells)
