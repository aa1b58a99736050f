"""Identity's rows: organisations, users with their memberships, partners with their secrets, known invoices."""

from collections.abc import Sequence

from deploy.seed.population import FOUNDED
from deploy.seed.tables import Rows
from services.chassis.sorting import sort_key
from services.identity.domain.access import PartnerRecord, UserRecord
from services.identity.domain.names import username_key
from services.identity.domain.organisation import OrganisationRecord
from services.identity.domain.secret import digest
from services.identity.usecases.create_partner import CLIENT_SECRET
from services.stats.domain.invoice import InvoiceRecord


def rows_of_customers(
    organisations: Sequence[OrganisationRecord], users: Sequence[UserRecord], invoices: Sequence[InvoiceRecord]
) -> list[Rows]:
    """Return the rows of organisations, their users and their invoices."""
    return [
        Rows(
            "organisations",
            "id customer_number name kind business_id version sort_name",
            [
                (
                    one.id,
                    one.facts.customer_number,
                    one.facts.name,
                    one.facts.kind.value,
                    one.facts.business_id,
                    one.version,
                    sort_key(one.facts.name),
                )
                for one in organisations
            ],
        ),
        Rows(
            "users",
            "id username username_key email language password_hash staff active version terms_version"
            " terms_accepted_at created_at",
            [
                (
                    user.id,
                    user.username,
                    username_key(user.username),
                    user.email,
                    user.language.value,
                    user.password_hash,
                    user.staff,
                    user.active,
                    user.version,
                    user.terms_version,
                    user.terms_accepted_at,
                    FOUNDED,
                )
                for user in users
            ],
        ),
        Rows(
            "memberships",
            "user_id organisation_id role billing site_ids until",
            [
                (user.id, one.organisation_id, one.role.value, one.billing, one.site_ids, one.until)
                for user in users
                for one in user.memberships
            ],
        ),
        Rows(
            "invoices",
            "id customer_number invoice_number invoice_date version",
            [
                (one.id, one.facts.customer_number, one.facts.invoice_number, one.facts.invoice_date, one.version)
                for one in invoices
            ],
        ),
    ]


def rows_of_partners(partners: Sequence[PartnerRecord], pepper: bytes, secret: str) -> list[Rows]:
    """Return the rows of partners that all have this secret."""
    return [
        Rows(
            "partners",
            "id name scopes organisation_ids all_organisations active version sort_name",
            [
                (
                    one.id,
                    one.name,
                    one.scopes,
                    one.organisation_ids,
                    one.all_organisations,
                    one.active,
                    one.version,
                    sort_key(one.name),
                )
                for one in partners
            ],
        ),
        Rows(
            "partner_secrets",
            "partner_id digest made_at",
            [(one.id, digest(pepper, CLIENT_SECRET, secret), FOUNDED) for one in partners],
        ),
    ]
