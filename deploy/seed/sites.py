"""Sites' rows: sites, their containers, the copy of organisations."""

from collections.abc import Sequence

from deploy.seed.history import SiteHistory
from deploy.seed.tables import TableRows
from services.identity.domain.organisation import OrganisationRecord
from services.sites.store.sites import SITE_COLUMNS, site_row


def rows_of_organisations(organisations: Sequence[OrganisationRecord]) -> list[TableRows]:
    """Return the copy of organisations, as sites and stats keep it."""
    rows = [(one.id, one.facts.customer_number, one.version) for one in organisations]
    return [TableRows("organisations", "id customer_number version", rows)]


def rows_of_sites(histories: Sequence[SiteHistory]) -> list[TableRows]:
    """Return the rows of sites and containers."""
    return [
        TableRows("sites", SITE_COLUMNS, [site_row(history.site) for history in histories]),
        rows_of_containers(histories),
    ]


def rows_of_containers(histories: Sequence[SiteHistory]) -> TableRows:
    """Return the rows of containers, as sites and orders keep them."""
    return TableRows(
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
