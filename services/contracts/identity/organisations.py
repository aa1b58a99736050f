"""Customer organisations."""

import enum

from services.contracts.values import (
    Id,
    Value,
)


class OrganisationKind(enum.Enum):
    """The kind of a customer organisation."""

    HOUSEHOLD = "HOUSEHOLD"
    """A household."""
    HOUSING_COMPANY = "HOUSING_COMPANY"
    """A housing company."""
    BUSINESS = "BUSINESS"
    """A company, a public body or an association."""


class Organisation(Value, frozen=True, kw_only=True):
    """A customer organisation. Its members, staff and the partners that serve it can see it."""

    id: Id
    """The global id."""
    customer_number: str
    """The number in the operator's ERP, printed on invoices."""
    name: str
    """The name."""
    kind: OrganisationKind
    """The kind of the customer."""
    version: int
    """The number of its current version; it rises with every change."""
