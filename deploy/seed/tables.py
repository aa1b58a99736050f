"""Rows on their way into tables, by COPY."""

from collections.abc import Iterable, Sequence

import msgspec

from services.chassis.db.postgres import DatabaseConnection

Cells = tuple[object, ...]


class TableRows(msgspec.Struct, frozen=True):
    """Rows of a table; ``columns`` names what each holds, in order, separated by blanks or commas.

    ``schema`` is for tables that every service has.
    """

    table: str
    columns: str
    rows: Iterable[Cells]
    schema: str | None = None

    async def copy(self, connection: DatabaseConnection) -> None:
        """Copy the rows into their table."""
        await connection.copy_records_to_table(
            self.table, schema_name=self.schema, columns=self.columns.replace(",", " ").split(), records=self.rows
        )


async def next_numbers(connection: DatabaseConnection, sequence: str, count: int) -> list[int]:
    """Take the next numbers of a sequence."""
    rows = await connection.fetch(
        "SELECT nextval($1::text::regclass) AS n FROM generate_series(1, $2)", sequence, count
    )
    return [row["n"] for row in rows]


async def copy_all(connection: DatabaseConnection, tables: Sequence[TableRows]) -> None:
    """Copy the rows of several tables, one after the other: a table before those that refer to it."""
    for table in tables:
        await table.copy(connection)
