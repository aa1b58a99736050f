"""A transaction on stats' own data: what the use cases' port asks for, in SQL."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from services.chassis.db.postgres import Row
from services.chassis.events.transaction import Transaction
from services.contracts.sites import Fraction
from services.stats.domain.invoice import InvoiceFacts, InvoiceRecord
from services.stats.domain.pickup import PickupFact, VolumeDelta

# Should two organisations have had the number, it belongs to the one that was made last: ids sort by time.
_ORGANISATIONS = "SELECT customer_number, id FROM organisations WHERE customer_number = ANY ($1) ORDER BY id"
_UPSERT_ORGANISATION = """
    INSERT INTO organisations (id, customer_number, version) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET customer_number = excluded.customer_number, version = excluded.version,
        doubted = false
    WHERE organisations.version < excluded.version OR organisations.doubted
"""
# One statement locks the facts, in the order of ids, replaces them and tells what the older versions had counted (old:
# PostgreSQL 18).
_UPSERT_PICKUPS = """
    INSERT INTO pickups (id, organisation_id, site_id, agreement_id, order_id, article_id, fraction, date, state,
                         done_at, grams, version, counted_on)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::date[],
                         $9::text[], $10::timestamptz[], $11::bigint[], $12::bigint[], $13::date[])
    ORDER BY 1
    ON CONFLICT (id) DO UPDATE SET
        organisation_id = excluded.organisation_id, site_id = excluded.site_id, agreement_id = excluded.agreement_id,
        order_id = excluded.order_id, article_id = excluded.article_id, fraction = excluded.fraction,
        date = excluded.date, state = excluded.state, done_at = excluded.done_at, grams = excluded.grams,
        version = excluded.version, counted_on = excluded.counted_on, doubted = false
    WHERE pickups.version < excluded.version OR pickups.doubted
    RETURNING new.id, old.organisation_id, old.counted_on, old.site_id, old.article_id, old.fraction, old.grams
"""
_ADD_TO_VOLUMES = """
    INSERT INTO volumes AS v (organisation_id, day, site_id, article_id, fraction, grams, pickups)
    SELECT l.organisation_id, l.day, l.site_id, l.article_id, l.fraction, sum(l.grams), sum(l.pickups)
    FROM unnest($1::uuid[], $2::date[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[])
         AS l (organisation_id, day, site_id, article_id, fraction, grams, pickups)
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(l.grams) <> 0 OR sum(l.pickups) <> 0 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (organisation_id, day, site_id, article_id, fraction) DO UPDATE
    SET grams = v.grams + excluded.grams, pickups = v.pickups + excluded.pickups
"""
# A writer has kept its facts before it comes to the volumes: once they are locked, either both of its changes are seen
# here, or it waits and adds its own to what is counted here.
_LOCK_VOLUMES = "LOCK TABLE volumes IN SHARE ROW EXCLUSIVE MODE"
_RECOUNT = """
    MERGE INTO volumes v
    USING (
        SELECT organisation_id, counted_on AS day, site_id, article_id, fraction,
               sum(coalesce(grams, 0))::bigint AS grams, count(*) AS pickups
        FROM pickups WHERE counted_on IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    ) AS f
    ON (v.organisation_id, v.day, v.site_id, v.article_id, v.fraction)
     = (f.organisation_id, f.day, f.site_id, f.article_id, f.fraction)
    WHEN MATCHED AND (v.grams, v.pickups) <> (f.grams, f.pickups) THEN
        UPDATE SET grams = f.grams, pickups = f.pickups
    WHEN NOT MATCHED THEN
        INSERT VALUES (f.organisation_id, f.day, f.site_id, f.article_id, f.fraction, f.grams, f.pickups)
    WHEN NOT MATCHED BY SOURCE THEN DELETE
"""
_RECOUNT_TIMEOUT_S = 3600
_INVOICE = """
    SELECT id, version, invoice_number, organisation_id, customer_number, invoice_date, due_date, period, net_minor,
           vat_rate, currency FROM invoices
"""
_INVOICES = f"{_INVOICE} WHERE invoice_number = ANY ($1) ORDER BY id FOR UPDATE"
_INVOICES_AFTER = f"{_INVOICE} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
_SAVE_INVOICE = """
    INSERT INTO invoices (id, version, invoice_number, organisation_id, customer_number, invoice_date, due_date,
                          period, net_minor, vat_rate, currency)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, organisation_id = excluded.organisation_id,
        customer_number = excluded.customer_number, invoice_date = excluded.invoice_date,
        due_date = excluded.due_date, period = excluded.period, net_minor = excluded.net_minor,
        vat_rate = excluded.vat_rate, currency = excluded.currency
"""


class StatsTransaction(Transaction):
    """Implements ``usecases.ports.StatsStore``."""

    async def organisations_by_customer_number(self, numbers: Collection[str]) -> dict[str, uuid.UUID]:
        rows = await self.connection.fetch(_ORGANISATIONS, list(numbers))
        return {row["customer_number"]: row["id"] for row in rows}

    async def upsert_organisation(self, organisation_id: uuid.UUID, customer_number: str, version: int) -> None:
        await self.connection.execute(_UPSERT_ORGANISATION, organisation_id, customer_number, version)

    async def upsert_pickups(
        self, pickups: Sequence[tuple[PickupFact, dt.date | None]]
    ) -> dict[uuid.UUID, VolumeDelta | None]:
        columns = zip(
            *[
                (
                    pickup.id,
                    pickup.organisation_id,
                    pickup.site_id,
                    pickup.agreement_id,
                    pickup.order_id,
                    pickup.article_id,
                    pickup.fraction.value,
                    pickup.date,
                    pickup.state.value,
                    pickup.done_at,
                    pickup.grams,
                    pickup.version,
                    counts_on,
                )
                for pickup, counts_on in pickups
            ],
            strict=True,
        )
        return {
            row["id"]: _to_volume_delta(row)
            for row in await self.connection.fetch(_UPSERT_PICKUPS, *map(list, columns))
        }

    async def add_to_volumes(self, corrections: Sequence[VolumeDelta]) -> None:
        if not corrections:
            return
        await self.connection.execute(
            _ADD_TO_VOLUMES,
            [one.organisation_id for one in corrections],
            [one.day for one in corrections],
            [one.site_id for one in corrections],
            [one.article_id for one in corrections],
            [one.fraction.value for one in corrections],
            [one.grams for one in corrections],
            [one.pickups for one in corrections],
        )

    async def recount_volumes(self) -> None:
        await self.connection.execute(_LOCK_VOLUMES)
        await self.connection.execute(_RECOUNT, timeout=_RECOUNT_TIMEOUT_S)

    async def invoices_by_number(self, numbers: Collection[str]) -> dict[str, InvoiceRecord]:
        rows = await self.connection.fetch(_INVOICES, list(numbers))
        return {row["invoice_number"]: _to_invoice(row) for row in rows}

    async def invoices_after(self, after: uuid.UUID, limit: int) -> list[InvoiceRecord]:
        return [_to_invoice(row) for row in await self.connection.fetch(_INVOICES_AFTER, after, limit)]

    async def save_invoices(self, invoices: Sequence[InvoiceRecord]) -> None:
        await self.connection.executemany(
            _SAVE_INVOICE,
            [
                (
                    invoice.id,
                    invoice.version,
                    invoice.facts.invoice_number,
                    invoice.facts.organisation_id,
                    invoice.facts.customer_number,
                    invoice.facts.invoice_date,
                    invoice.facts.due_date,
                    invoice.facts.period,
                    invoice.facts.net_minor,
                    invoice.facts.vat_rate,
                    invoice.facts.currency,
                )
                for invoice in invoices
            ],
        )


def _to_volume_delta(old: Row) -> VolumeDelta | None:
    if old["counted_on"] is None:
        return None
    return VolumeDelta(
        organisation_id=old["organisation_id"],
        day=old["counted_on"],
        site_id=old["site_id"],
        article_id=old["article_id"],
        fraction=Fraction(old["fraction"]),
        grams=old["grams"] or 0,
        pickups=1,
    )


def _to_invoice(row: Row) -> InvoiceRecord:
    columns = dict(row)
    invoice_id, version = columns.pop("id"), columns.pop("version")
    return InvoiceRecord(id=invoice_id, version=version, facts=InvoiceFacts(**columns))
