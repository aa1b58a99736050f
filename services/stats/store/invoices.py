"""Invoices in PostgreSQL."""

import uuid
from collections.abc import Collection, Sequence

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row, to_row
from services.stats.domain.invoice import InvoiceFacts, InvoiceRecord

_SELECT = """
    SELECT id, version, invoice_number, organisation_id, customer_number, invoice_date, due_date, period, net_minor,
           vat_rate, currency FROM invoices
"""
_LOCK_BY_NUMBER = f"{_SELECT} WHERE invoice_number = ANY ($1) ORDER BY id FOR UPDATE"
_AFTER = f"{_SELECT} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
_SAVE = """
    INSERT INTO invoices (id, version, invoice_number, organisation_id, customer_number, invoice_date, due_date,
                          period, net_minor, vat_rate, currency)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, organisation_id = excluded.organisation_id,
        customer_number = excluded.customer_number, invoice_date = excluded.invoice_date,
        due_date = excluded.due_date, period = excluded.period, net_minor = excluded.net_minor,
        vat_rate = excluded.vat_rate, currency = excluded.currency
"""


class PostgresInvoiceRepository:
    """Implements ``usecases.ports.invoices.InvoiceRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def lock_by_number(self, numbers: Collection[str]) -> dict[str, InvoiceRecord]:
        rows = await self._connection.fetch(_LOCK_BY_NUMBER, list(numbers))
        return {row["invoice_number"]: _to_invoice(row) for row in rows}

    async def after(self, after: uuid.UUID, limit: int) -> list[InvoiceRecord]:
        return [_to_invoice(row) for row in await self._connection.fetch(_AFTER, after, limit)]

    async def save(self, invoices: Sequence[InvoiceRecord]) -> None:
        await self._connection.executemany(
            _SAVE, [(invoice.id, invoice.version, *to_row(invoice.facts)) for invoice in invoices]
        )


def _to_invoice(row: Row) -> InvoiceRecord:
    return InvoiceRecord(id=row["id"], version=row["version"], facts=from_row(InvoiceFacts, row))
