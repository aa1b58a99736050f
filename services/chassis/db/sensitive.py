"""Columns with personal data: every service declares its own as ``SENSITIVE``, and export and erasure walk them.

A person is the subject of an id: a user, or an organisation, which may be a household.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.chassis.db import tombstones
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.ids import read_id
from services.contracts.values import Id


class DataKind(enum.Enum):
    """The kind of personal data in a column."""

    NAME = "NAME"
    USERNAME = "USERNAME"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    ADDRESS = "ADDRESS"
    BUSINESS_ID = "BUSINESS_ID"
    FREE_TEXT = "FREE_TEXT"
    FILE_NAME = "FILE_NAME"
    """Name of a file as its person gave it."""
    MAIL = "MAIL"
    """Part of a mail to the person."""
    IMPORTED = "IMPORTED"
    """Cells of a file, or a part of one."""
    AUDIT = "AUDIT"
    """Details of what the person did, such as their network address."""
    SECRET = "SECRET"  # noqa: S105 - a kind of data, not a secret
    """A digest of the person's secret, which an export leaves out."""


class SensitiveTable(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a table that have personal data."""

    table: str
    """The table's name; with its schema, unless it is the service's own."""
    columns: Mapping[str, DataKind]
    persons: Mapping[str, str] = {}
    """The condition on a person's rows ($1: the UUID of the person's id), by the prefix of the id."""
    erased: Mapping[str, str] | None = None
    """The values that an erasure leaves, as SQL by column; other columns keep theirs. None: it deletes the rows.
    Empty: the database makes the columns again from what is left."""
    kept_for: str = ""
    """How long rows are kept that are not found by a person."""


PlainColumns = Mapping[str, str]
"""Columns of text or bytes without personal data, separated by spaces, by table."""


async def export_person(
    connection: DatabaseConnection, tables: Sequence[SensitiveTable], person_id: Id
) -> dict[str, list[dict[str, Any]]]:
    """Return the personal data of a user or organisation: the rows of each table that has some, by column."""
    exported = dict[str, list[dict[str, Any]]]()
    prefix, value = _read(person_id)
    for table in tables:
        columns = [column for column, kind in table.columns.items() if kind is not DataKind.SECRET]
        if prefix in table.persons and columns:
            rows = await connection.fetch(
                f"SELECT {', '.join(columns)} FROM {table.table} WHERE {table.persons[prefix]}", value
            )
            if rows:
                exported[table.table] = [dict(row) for row in rows]
    return exported


async def erase_person(
    connection: DatabaseConnection, tables: Sequence[SensitiveTable], person_id: Id, key: str | None = None
) -> None:
    """Erase the personal data of a user or organisation in the present transaction, and leave a tombstone.

    ``key`` is the number under which imports know the person. The access of a user is ended before. A repetition
    erases what came back by a restore.
    """
    await tombstones.add(connection, person_id, key)
    prefix, value = _read(person_id)
    for table in tables:
        if prefix not in table.persons:
            continue
        condition = table.persons[prefix]
        if table.erased is None:
            await connection.execute(f"DELETE FROM {table.table} WHERE {condition}", value)
        elif table.erased:
            values = ", ".join(f"{column} = {erased}" for column, erased in table.erased.items())
            await connection.execute(f"UPDATE {table.table} SET {values} WHERE {condition}", value)


def _read(person_id: Id) -> tuple[str, Any]:
    prefix = tombstones.prefix_of(person_id)
    return prefix, read_id(prefix, person_id)
