"""Sites' columns with personal data, and its other columns of text and bytes."""

from collections.abc import Sequence

from services.chassis.db.sensitive import DataKind, PlainColumns, SensitiveTable

SENSITIVE: Sequence[SensitiveTable] = (
    # The address is the site's, whoever holds it. ``search`` has the names, too, and is made again from what is left.
    SensitiveTable(
        table="sites",
        columns={
            "street": DataKind.ADDRESS,
            "postal_code": DataKind.ADDRESS,
            "city": DataKind.ADDRESS,
            "sort_address": DataKind.ADDRESS,
            "sort_city": DataKind.ADDRESS,
            "billed_to": DataKind.NAME,
            "contact_name": DataKind.NAME,
            "contact_phone": DataKind.PHONE,
            "contact_email": DataKind.EMAIL,
            "search": DataKind.NAME,
        },
        persons={"org": "organisation_id = $1"},
        erased={
            "billed_to": "''",
            "contact_name": "NULL",
            "contact_phone": "NULL",
            "contact_email": "NULL",
        },
    ),
    SensitiveTable(
        table="chassis.imported_values",
        columns={"fields": DataKind.IMPORTED},
        persons={"org": "kind = 'sites' AND key IN (SELECT site_number FROM sites WHERE organisation_id = $1)"},
        erased={
            "fields": """
                fields || '{"billed_to": "", "contact_name": null, "contact_phone": null, "contact_email": null}'
            """
        },
    ),
)

PLAIN: PlainColumns = {
    "containers": "container_number fraction",
    "organisations": "customer_number",
    "sites": "site_number municipality area property_type",
}
