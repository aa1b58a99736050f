"""Sites' rows: sites, their containers, the copy of organisations."""

from collections.abc import Sequence

from deploy.seed.history import SiteHistory
from deploy.seed.tables import Rows
from services.chassis.sorting import search_text, sort_key
from services.identity.domain.organisation import OrganisationRecord


def rows_of_organisations(organisations: Sequence[OrganisationRecord]) -> list[Rows]:
    """Return the copy of organisations, as sites and stats keep it."""
    rows = [(one.id, one.facts.customer_number, one.version) for one in organisations]
    return [Rows("organisations", "id customer_number version", rows)]


def rows_of_sites(histories: Sequence[SiteHistory]) -> list[Rows]:
    """Return the rows of sites and containers."""
    return [
        Rows(
            "sites",
            "id version site_number organisation_id street postal_code city municipality area property_type dwellings"
            " billed_to contact_name contact_phone contact_email sort_address sort_city search",
            [
                (
                    history.site.id,
                    history.site.version,
                    facts.site_number,
                    facts.organisation_id,
                    facts.street,
                    facts.postal_code,
                    facts.city,
                    facts.municipality,
                    facts.area,
                    facts.property_type.value,
                    facts.dwellings,
                    facts.billed_to,
                    facts.contact_name,
                    facts.contact_phone,
                    facts.contact_email,
                    sort_key(f"{facts.street} {facts.city}"),
                    sort_key(f"{facts.city} {facts.street}"),
                    search_text(facts.street, facts.postal_code, facts.city, facts.site_number, facts.billed_to),
                )
                for history in histories
                for facts in [history.site.facts]
            ],
        ),
        rows_of_containers(histories),
    ]


def rows_of_containers(histories: Sequence[SiteHistory]) -> Rows:
    """Return the rows of containers, as sites and orders keep them."""
    return Rows(
        "containers",
        "id container_number site_id organisation_id fraction litres count version",
        [
            (
                one.id,
                one.facts.container_number,
                one.facts.site_id,
                one.organisation_id,
                one.facts.fraction.value,
                one.facts.litres,
                one.facts.count,
                one.version,
            )
            for history in histories
            for one in history.containers
        ],
    )
