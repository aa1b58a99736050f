"""Support's columns with personal data, and its other columns of text and bytes."""

from collections.abc import Sequence

from services.chassis.db.sensitive import DataKind, PlainColumns, SensitiveTable

SENSITIVE: Sequence[SensitiveTable] = (
    SensitiveTable(
        table="tickets",
        columns={"message": DataKind.FREE_TEXT, "phone": DataKind.PHONE},
        persons={"user": "user_id = $1", "org": "organisation_id = $1"},
        erased={"message": "''", "phone": "NULL"},
    ),
)

PLAIN: PlainColumns = {
    "chassis.imported_values": "fields",
    "sites": "site_number",
    "tickets": "number site_number topic state contact_preference",
}
