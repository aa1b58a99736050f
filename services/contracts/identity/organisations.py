"""Customer organisations."""

import enum
from typing import Annotated

from services.contracts.values import Filter, Id, OrganisationId, SearchText, SortDirection, Sorting, TextLimit, Value


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


class OrganisationFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of organisations."""

    search: SearchText | None = None
    """Words of the name and the customer number, in any order, case and with or without accents; each has to be found.
    A number, or a word of one or two letters, is found at the beginning of a word, any other anywhere in one. At most
    20 words; None: all organisations."""
    ids: list[OrganisationId] | None = None
    """The organisations with one of these ids; None: all."""
    customer_numbers: list[Annotated[str, TextLimit(100)]] | None = None
    """The organisations with one of these customer numbers; None: all."""
    kinds: list[OrganisationKind] | None = None
    """Customers of one of these kinds; None: of all."""


class OrganisationOrderField(enum.Enum):
    """The fields that organisations can be ordered by."""

    NAME = "NAME"
    """By name."""
    CUSTOMER_NUMBER = "CUSTOMER_NUMBER"
    """By customer number."""


class OrganisationOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of organisations."""

    field: OrganisationOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""
