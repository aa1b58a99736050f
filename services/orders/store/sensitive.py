"""Orders' columns with personal data, and its other columns of text and bytes."""

from collections.abc import Sequence

from services.chassis.db.sensitive import DataKind, PlainColumns, SensitiveTable

SENSITIVE: Sequence[SensitiveTable] = (
    # Drivers write why a pickup failed in their own words.
    SensitiveTable(
        table="reports",
        columns={"reason": DataKind.FREE_TEXT},
        persons={"org": "pickup_id IN (SELECT id FROM pickups WHERE organisation_id = $1)"},
        erased={"reason": "NULL"},
    ),
    SensitiveTable(
        table="pickups",
        columns={"failure": DataKind.FREE_TEXT},
        persons={"org": "organisation_id = $1"},
        erased={"failure": "NULL"},
    ),
)

# A timeline has states, times and ids. A report's digest is compared with the same report again.
PLAIN: PlainColumns = {
    "chassis.imported_values": "fields",
    "agreements": "agreement_number route_number fraction",
    "article_prices": "article_number name_fi name_sv name_nb name_en fraction waste_code unit currency",
    "articles": "article_number",
    "containers": "container_number fraction",
    "holidays": "country name_fi name_sv name_nb name_en",
    "orders": "number kind state fraction price timeline",
    "pickups": "state fraction",
    "reports": "reporter report_id kind digest",
    "routes": "route_number area fraction weekdays",
    "rules": "rule_number municipality fraction kind value citation",
    "sites": "site_number municipality area property_type",
}
