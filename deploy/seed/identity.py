"""Identity's rows: organisations, users with their memberships, partners with their secrets, copies of invoices."""

from collections.abc import Sequence

from deploy.seed.history import SiteHistory
from deploy.seed.population import FOUNDED
from deploy.seed.tables import TableRows
from services.identity.domain.access import PartnerRecord, UserRecord
from services.identity.domain.organisation import OrganisationRecord
from services.identity.domain.secret import digest
from services.identity.store.organisations import ORGANISATION_COLUMNS, organisation_row
from services.identity.store.partners import PARTNER_COLUMNS, partner_row
from services.identity.store.users import MEMBERSHIP_COLUMNS, USER_COLUMNS, membership_rows, user_row
from services.identity.usecases.create_partner import CLIENT_SECRET
from services.stats.domain.invoice import InvoiceRecord


def rows_of_customers(
    organisations: Sequence[OrganisationRecord], users: Sequence[UserRecord], invoices: Sequence[InvoiceRecord]
) -> list[TableRows]:
    """Return the rows of organisations, their users and their invoices."""
    return [
        TableRows("organisations", ORGANISATION_COLUMNS, [organisation_row(one) for one in organisations]),
        TableRows("users", USER_COLUMNS, [user_row(user, FOUNDED) for user in users]),
        TableRows("memberships", MEMBERSHIP_COLUMNS, [row for user in users for row in membership_rows(user, FOUNDED)]),
        TableRows(
            "invoices",
            "id customer_number invoice_number invoice_date version",
            [
                (one.id, one.facts.customer_number, one.facts.invoice_number, one.facts.invoice_date, one.version)
                for one in invoices
            ],
        ),
    ]


def rows_of_site_copies(histories: Sequence[SiteHistory]) -> list[TableRows]:
    """Return the rows of the copy of sites."""
    rows = [(one.site.id, one.site.facts.organisation_id, one.site.version) for one in histories]
    return [TableRows("sites", "id organisation_id version", rows)]


def rows_of_partners(partners: Sequence[PartnerRecord], pepper: bytes, secret: str) -> list[TableRows]:
    """Return the rows of partners that all have this secret."""
    return [
        TableRows("partners", PARTNER_COLUMNS, [partner_row(one) for one in partners]),
        TableRows(
            "partner_secrets",
            "partner_id digest made_at",
            [(one.id, digest(pepper, CLIENT_SECRET, secret), FOUNDED) for one in partners],
        ),
    ]
