"""Identity's columns with personal data, and its other columns of text and bytes."""

from collections.abc import Sequence

from services.chassis.db.sensitive import DataKind, PlainColumns, SensitiveTable

SENSITIVE: Sequence[SensitiveTable] = (
    # Memberships, requests of access, sessions and links go with their user.
    SensitiveTable(
        table="users",
        columns={
            "username": DataKind.USERNAME,
            "username_key": DataKind.USERNAME,
            "look_alike_key": DataKind.USERNAME,
            "email": DataKind.EMAIL,
            "password_hash": DataKind.SECRET,
        },
        persons={"user": "id = $1"},
    ),
    SensitiveTable(table="email_changes", columns={"email": DataKind.EMAIL}, persons={"user": "user_id = $1"}),
    # The address leaves after a year; so do those of an erased organisation's invitations.
    SensitiveTable(
        table="invitations",
        columns={"email": DataKind.EMAIL},
        persons={"user": "accepted_by = $1", "org": "organisation_id = $1"},
        erased={"email": "''"},
    ),
    # The row stays: invoices and agreements, which have to be kept, refer to its id. ``search`` is made of the name.
    SensitiveTable(
        table="organisations",
        columns={
            "name": DataKind.NAME,
            "sort_name": DataKind.NAME,
            "search": DataKind.NAME,
            "business_id": DataKind.BUSINESS_ID,
        },
        persons={"org": "id = $1"},
        erased={"name": "''", "sort_name": "''", "business_id": "NULL"},
    ),
    SensitiveTable(
        table="chassis.imported_values",
        columns={"fields": DataKind.IMPORTED},
        persons={"org": "kind = 'organisations' AND key = (SELECT customer_number FROM organisations WHERE id = $1)"},
        erased={"fields": """fields || '{"name": "", "business_id": null}'"""},
    ),
)

# Keys of attempts are digests under the service's pepper. A partner is a company.
PLAIN: PlainColumns = {
    "attempts": "scope key tried_by kept_for",
    "collected_audit": "service actor acting_for action subject outcome",
    "invitations": "language role decision digest",
    "invoices": "customer_number invoice_number",
    "links": "purpose digest",
    "memberships": "role",
    "organisations": "customer_number kind",
    "partner_secrets": "digest",
    "partners": "name scopes sort_name",
    "refresh_tokens": "digest",
    "sessions": "salt",
    "users": "language terms_version",
}
