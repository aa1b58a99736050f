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
_NEWEST_NUMBERS = """
    SELECT invoice_number FROM invoices WHERE customer_number = $1
      AND invoice_date = (SELECT max(invoice_date) FROM invoices WHERE customer_number = $1)
"""


class PostgresInvoiceCopyRepository:
    """Implements ``usecases.ports.invoices.InvoiceCopyRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def upsert(self, invoice: InvoiceCopy) -> None:
        await self._connection.execute(_UPSERT, *to_row(invoice))

    async def newest_numbers(self, customer_number: str) -> set[str]:
        return {row["invoice_number"] for row in await self._connection.fetch(_NEWEST_NUMBERS, customer_number)}
