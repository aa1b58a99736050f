"""Identity: people, organisations, partners, sign-in, and who has access to what (I1 to I17)."""

import datetime as dt
import enum
from typing import Annotated, Protocol

from services.contracts.declare import Event, declare_event, open_read, open_write, public_write, read, write
from services.contracts.imports import Importing
from services.contracts.values import Id, IdempotencyKey, Outcome, Refusal, TextLimit, Value

Username = Annotated[str, TextLimit(400)]
"""A username as it is typed: of 100 characters when it is kept, each of four code points at most when it is typed."""
Password = Annotated[str, TextLimit(1024)]
"""A password as it is typed: of 256 characters at most, each of four code points at most when it is typed."""
Scope = Annotated[str, TextLimit(100)]
"""The name of something that a token allows (RFC 6749, section 3.3)."""
Secret = Annotated[str, TextLimit(200)]
"""A secret or token that identity gave out."""


class OrganisationKind(enum.Enum):
    """What sort of customer an organisation is."""

    HOUSEHOLD = "HOUSEHOLD"
    HOUSING_COMPANY = "HOUSING_COMPANY"
    BUSINESS = "BUSINESS"


class Role(enum.Enum):
    """A member's place in an organisation. ADMIN: all, and people; EDITOR: orders and changes; VIEWER: reads."""

    ADMIN = "ADMIN"
    EDITOR = "EDITOR"
    VIEWER = "VIEWER"


class SubjectKind(enum.Enum):
    """Who can hold a token."""

    USER = "USER"
    STAFF = "STAFF"
    PARTNER = "PARTNER"
    SERVICE = "SERVICE"


class Language(enum.Enum):
    """The languages that Kierto speaks (ISO 639-1)."""

    FI = "fi"
    SV = "sv"
    NB = "nb"
    EN = "en"


class Organisation(Value, frozen=True, kw_only=True):
    """A customer, shown to its members, to staff and to partners that serve it."""

    id: Id
    customer_number: str
    name: str
    kind: OrganisationKind
    version: int


class Membership(Value, frozen=True, kw_only=True):
    """One's place in an organisation. ``site_ids`` is None for all its sites; ``until`` is the last day, inclusive."""

    organisation: Organisation
    role: Role
    billing: bool
    site_ids: list[Id] | None
    until: dt.date | None


class Me(Value, frozen=True, kw_only=True):
    """The signed-in user and what they belong to (I10)."""

    id: Id
    username: str
    email: str
    language: Language
    staff: bool
    memberships: list[Membership]


class Contact(Value, frozen=True, kw_only=True):
    """How a user is written to. Handed to services alone, at the moment of use."""

    user_id: Id
    username: str
    email: str
    language: Language


class Grant(Value, frozen=True, kw_only=True):
    """One line of a subject's access.

    ``organisation_id`` None is all organisations, an explicit mark of staff and some partners. ``role`` is None for
    partners, whose scopes decide. ``site_ids`` None is all sites; ``until`` is the last day, inclusive.
    """

    organisation_id: Id | None
    role: Role | None = None
    billing: bool = False
    site_ids: list[Id] | None = None
    until: dt.date | None = None


@declare_event("identity.access.stated", subject="subject_id")
class AccessStated(Event, frozen=True, kw_only=True):
    """All that a user or partner may reach from now on. A higher ``version`` replaces every lower one.

    What is too large for one event is stated in ``parts``, of which this is number ``part``; they take effect together.
    """

    subject_id: Id
    kind: SubjectKind
    version: int
    active: bool
    scopes: list[str]
    grants: list[Grant]
    part: int = 1
    parts: int = 1


@declare_event("identity.session.ended", subject="session_id")
class SessionEnded(Event, frozen=True, kw_only=True):
    """A session is over before its tokens are: signed out, ended by its user, or a refresh token used twice."""

    session_id: Id
    subject_id: Id


@declare_event("identity.organisation.stated", subject="organisation_id")
class OrganisationStated(Event, frozen=True, kw_only=True):
    """An organisation exists, or changed, and this is how it is now."""

    organisation_id: Id
    customer_number: str
    kind: OrganisationKind
    version: int


class Register(Value, frozen=True, kw_only=True):
    """A registration (I1). ``terms_version`` is the version of the terms that was accepted; None refuses them."""

    customer_number: Annotated[str, TextLimit(100)]
    invoice_number: Annotated[str, TextLimit(100)]
    username: Username
    email: Annotated[str, TextLimit(300)]
    password: Password
    terms_version: Annotated[str, TextLimit(100)] | None
    language: Language = Language.FI


class Registered(Outcome, frozen=True, kw_only=True):
    """The account exists. ``access_requested``: someone was there first, and the organisation's admins decide."""

    user_id: Id
    access_requested: bool


class KnownDevice(Value, frozen=True, kw_only=True):
    """What a device shows when its user signs in again, within ``expires_in`` seconds. It gives no access."""

    token: str
    expires_in: int


class SignedIn(Outcome, frozen=True, kw_only=True):
    """A session. ``access_token`` goes into ``Authorization: Bearer``, is valid for ``expires_in`` seconds.

    ``refresh_token`` is for the next one, within ``refresh_expires_in`` seconds; then the session is over.
    ``device`` is for the next sign-in from the same device; a refresh has none.
    """

    access_token: str
    refresh_token: str
    expires_in: int
    refresh_expires_in: int
    device: KnownDevice | None = None


class SignedOut(Outcome, frozen=True, kw_only=True):
    """The session is over, also if it was before."""

    session_ended: bool


class CreatePartner(Value, frozen=True, kw_only=True):
    """A new partner (I13). An empty list of organisations reaches none; ``all_organisations`` reaches every one."""

    idempotency_key: IdempotencyKey
    name: Annotated[str, TextLimit(200)]
    scopes: list[Scope]
    organisation_ids: list[Id] = []
    all_organisations: bool = False


class Partner(Value, frozen=True, kw_only=True):
    """A machine with its own credentials."""

    id: Id
    name: str
    client_id: str
    scopes: list[str]
    organisation_ids: list[Id]
    all_organisations: bool
    active: bool


class PartnerCreated(Outcome, frozen=True, kw_only=True):
    """The secret is shown this once; None when the same command is answered again."""

    partner: Partner
    client_secret: str | None


class PartnerRevoked(Outcome, frozen=True, kw_only=True):
    """The partner's tokens and secrets are worth nothing from now on."""

    partner: Partner


class ClientToken(Outcome, frozen=True, kw_only=True):
    """A successful answer of the token endpoint (RFC 6749, section 5.1)."""

    access_token: str
    expires_in: int
    scope: str


class PublicKeys(Value, frozen=True, kw_only=True):
    """The keys that verify access tokens: a JWK Set (RFC 7517, section 5), as JSON text."""

    jwks: str


SCOPES = ("orders:read", "orders:subscribe", "pickups:report")
"""What a partner may be allowed: read orders, follow their events, report pickups."""


class Identity(Importing, Protocol):
    """What identity offers."""

    @public_write
    async def register(self, command: Register) -> Registered | Refusal:
        """Make an account from what is printed on an invoice; the first of an organisation becomes its ADMIN.

        Refused with CUSTOMER_NOT_RECOGNISED (unknown number and wrong invoice alike), WEAK_PASSWORD, TERMS_REQUIRED,
        USERNAME_TAKEN, MALFORMED, TOO_MANY_ATTEMPTS, OVERLOADED.
        """
        ...

    @public_write
    async def sign_in(self, username: Username, password: Password, device_token: Secret = "") -> SignedIn | Refusal:
        """Begin a session (I3). Refused with SIGN_IN_FAILED, TOO_MANY_ATTEMPTS or OVERLOADED.

        A device that shows the ``device_token`` of an earlier sign-in is not held back by what others fail at.
        """
        ...

    @public_write
    async def refresh(self, refresh_token: Secret) -> SignedIn | Refusal:
        """Go on with a session. A token used again later than 10 s ends its family; refused with SESSION_ENDED."""
        ...

    @write
    async def sign_out(self) -> SignedOut | Refusal:
        """End the session of the token that this is called with."""
        ...

    @public_write
    async def sign_out_with(self, refresh_token: Secret) -> SignedOut | Refusal:
        """End the session of a refresh token, used before or not (RFC 7009, section 2.1)."""
        ...

    @open_write
    async def client_token(
        self,
        client_id: Id,
        client_secret: Secret,
        scope: Annotated[str, TextLimit(1_000)] = "",
        subject: Id = "",
    ) -> ClientToken | Refusal:
        """Client credentials (RFC 6749, section 4.4): for services, and for partners by way of the gateway.

        ``scope`` names the wanted ones, separated by spaces; empty is all that the client has. A service
        (``client_id`` is ``service:<name>``) may name the ``subject`` for whom it acts. Refused with
        INVALID_CLIENT, INVALID_SCOPE or TOO_MANY_ATTEMPTS.
        """
        ...

    @open_read
    async def public_keys(self) -> PublicKeys:
        """The keys that verify access tokens."""
        ...

    @read
    async def me(self) -> Me | None:
        """The signed-in user; None for a caller that is no user."""
        ...

    @read
    async def organisations(self, ids: list[Id]) -> list[Organisation | None]:
        """The organisations with these ids, in their order; None for one that the caller may not see."""
        ...

    @read
    async def access_of(self, subject_id: Id) -> AccessStated | None:
        """A subject's access as it is now. For services whose copy is older than a token."""
        ...

    @read
    async def contacts(self, user_ids: list[Id]) -> list[Contact | None]:
        """How to write to these users, in their order. For services alone."""
        ...

    @read
    async def partners(self) -> list[Partner]:
        """Every partner, by name. Staff only."""
        ...

    @write
    async def create_partner(self, command: CreatePartner) -> PartnerCreated | Refusal:
        """Make a partner and its first secret. Staff only."""
        ...

    @write
    async def revoke_partner(self, id: Id) -> PartnerRevoked | Refusal:
        """End a partner's access at once. Staff only."""
        ...
