"""Stats' columns of text and bytes, none of which has personal data."""

from collections.abc import Sequence

from services.chassis.db.sensitive import PlainColumns, SensitiveTable

SENSITIVE: Sequence[SensitiveTable] = ()

PLAIN: PlainColumns = {
    "chassis.imported_values": "fields",
    "invoices": "invoice_number customer_number period currency",
    "organisations": "customer_number",
    "pickups": "fraction state",
    "volumes": "fraction",
}
