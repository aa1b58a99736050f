"""The copy of invoices, in SQL."""

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import to_row
from services.identity.domain.organisation import InvoiceCopy

_UPSERT = """
    INSERT INTO invoices (id, customer_number, invoice_number, invoice_date, version) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (id) DO UPDATE SET
        customer_number = excluded.customer_number, invoice_number = excluded.invoice_number,
        invoice_date = excluded.invoice_date, version = excluded.version, doubted = false
    WHERE invoices.version < excluded.version OR invoices.doubted
"""
# Invoices of one date were sent together.
_LATEST_NUMBERS = """
    SELECT invoice_number FROM (
        SELECT invoice_number, dense_rank() OVER (ORDER BY invoice_date DESC) AS place
        FROM invoices WHERE customer_number = $1
    ) AS ranked WHERE place <= $2
"""


class PostgresInvoiceCopyRepository:
    """Implements ``usecases.ports.invoices.InvoiceCopyRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def upsert(self, invoice: InvoiceCopy) -> None:
        await self._connection.execute(_UPSERT, *to_row(invoice))

    async def latest_numbers(self, customer_number: str, dates: int) -> set[str]:
        rows = await self._connection.fetch(_LATEST_NUMBERS, customer_number, dates)
        return {row["invoice_number"] for row in rows}
