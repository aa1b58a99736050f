"""Support's columns with personal data, and its other columns of text and bytes."""

from collections.abc import Sequence

from services.chassis.db.sensitive import DataKind, PlainColumns, SensitiveTable

SENSITIVE: Sequence[SensitiveTable] = (
    SensitiveTable(
        table="ticket_entries",
        columns={"text": DataKind.FREE_TEXT},
        persons={
            "user": "author_id = $1",
            "org": "ticket_id IN (SELECT id FROM tickets WHERE organisation_id = $1)",
        },
        erased={"text": "''"},
    ),
    # The searched text is made again from the entries that are left.
    SensitiveTable(
        table="tickets",
        columns={"search": DataKind.FREE_TEXT},
        persons={"user": "user_id = $1", "org": "organisation_id = $1"},
        erased={},
    ),
    SensitiveTable(
        table="ticket_contacts",
        columns={
            "name": DataKind.NAME,
            "email": DataKind.EMAIL,
            "phone": DataKind.PHONE,
            "address": DataKind.ADDRESS,
            "customer_number": DataKind.NAME,
            "identified_by": DataKind.FREE_TEXT,
        },
        persons={
            "user": "ticket_id IN (SELECT id FROM tickets WHERE user_id = $1)",
            "org": "ticket_id IN (SELECT id FROM tickets WHERE organisation_id = $1)",
        },
        erased={
            "name": "''",
            "email": "NULL",
            "phone": "NULL",
            "address": "''",
            "customer_number": "''",
            "identified_by": "''",
        },
    ),
)

# Messages name their recipients by ids, and people without a user by the digest of their address.
PLAIN: PlainColumns = {
    "chassis.imported_values": "fields",
    "held_messages": "kind subject_id state decided_by",
    "mail_resumptions": "user_id",
    "mail_suppressions": "address recipient reason status",
    "message_causes": "kind key recipient state",
    "message_choices": "chooser kind",
    "messages": "recipient address state",
    "public_forms": "sender",
    "sites": "site_number",
    "ticket_entries": "kind channel",
    "tickets": "number site_number topic channel state contact_preference",
}
