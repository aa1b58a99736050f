"""Partners and their client credentials."""

import enum
from typing import Annotated

from services.contracts.values import (
    Filter,
    Id,
    IdempotencyKey,
    Length,
    MutationResult,
    Outcome,
    SearchText,
    SortDirection,
    Sorting,
    TextLimit,
    Value,
)

PARTNER_NAME_LENGTH = Length(1, 100)

Scope = Annotated[str, TextLimit(100)]
"""A scope of a token (RFC 6749, section 3.3)."""


class CreatePartner(Value, frozen=True, kw_only=True):
    """A new partner (I13)."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    name: Annotated[str, TextLimit(200), PARTNER_NAME_LENGTH]
    """The name, for staff."""
    scopes: list[Scope]
    """The scopes that it may use: ``orders:read``, ``orders:subscribe``, ``pickups:report``."""
    organisation_ids: list[Id] = []
    """The ids of the organisations that it can see, none if the list is empty."""
    all_organisations: bool = False
    """Whether it can see every organisation."""


class Partner(Value, frozen=True, kw_only=True):
    """A partner: an external system with its own client credentials (OAuth 2.0)."""

    id: Id
    """The global id."""
    name: str
    """The name, for staff."""
    client_id: str
    """The client id, for the token endpoint."""
    scopes: list[str]
    """The scopes that it may use."""
    organisation_ids: list[Id]
    """The ids of the organisations that it can see; empty if it can see none, or all."""
    all_organisations: bool
    """Whether it can see every organisation."""
    active: bool
    """Whether it has access: false once it is revoked."""
    version: int
    """The version of its access. A change of the partner takes it."""


class PartnerFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of partners."""

    search: SearchText | None = None
    """Words of the name, in any order, case and with or without accents; each has to be found. At most 20 words; None:
    all partners."""
    active: bool | None = None
    """Whether a partner has access; None: either."""


class PartnerOrderField(enum.Enum):
    """The fields that partners can be ordered by."""

    NAME = "NAME"
    """By name."""


class PartnerOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of partners."""

    field: PartnerOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class PartnerCreated(MutationResult, frozen=True, kw_only=True):
    """The partner was created."""

    partner: Partner
    """The partner."""
    client_secret: str | None
    """The client secret. It is shown only once: None for a repeated command."""


class PartnerRevoked(MutationResult, frozen=True, kw_only=True):
    """The partner was revoked: its secrets and tokens are no longer valid."""

    partner: Partner
    """The partner."""


class ClientToken(Outcome, frozen=True, kw_only=True):
    """A successful response of the token endpoint (RFC 6749, section 5.1)."""

    access_token: str
    expires_in: int
    scope: str


SCOPES = ("orders:read", "orders:subscribe", "pickups:report")
"""The scopes of partners: reading orders, subscribing to their events, reporting pickups."""
