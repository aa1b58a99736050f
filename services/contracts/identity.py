"""Contract of identity: users, organisations, partners, sign-in and access (I1 to I17)."""

import datetime as dt
import enum
from typing import Annotated, Protocol

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event, open_read, open_write, public_write, read, write
from services.contracts.imports import Importing
from services.contracts.permission import PEOPLE, STAFF, Role, SubjectKind, allow
from services.contracts.values import (
    Conflict,
    EmailAddress,
    Id,
    IdempotencyKey,
    IdOf,
    Length,
    MutationResult,
    OrganisationId,
    Outcome,
    Refusal,
    TextLimit,
    Value,
)

USERNAME_LENGTH = Length(3, 100)
PASSWORD_LENGTH = Length(12, 256)
PARTNER_NAME_LENGTH = Length(1, 100)

Username = Annotated[str, TextLimit(400)]
"""A username as typed. A stored one has at most 100 characters, each of which may be typed as four code points."""
Password = Annotated[str, TextLimit(1024, verbatim=True)]
"""A password as typed: at most 256 characters, each of which may be typed as four code points."""
Scope = Annotated[str, TextLimit(100)]
"""A scope of a token (RFC 6749, section 3.3)."""
ActorId = Annotated[str, TextLimit(100), IdOf("actor")]
"""The id of a user or a partner."""
Secret = Annotated[str, TextLimit(200, verbatim=True)]
"""A secret or token that identity issued."""


class OrganisationKind(enum.Enum):
    """The kind of a customer organisation."""

    HOUSEHOLD = "HOUSEHOLD"
    """A household."""
    HOUSING_COMPANY = "HOUSING_COMPANY"
    """A housing company."""
    BUSINESS = "BUSINESS"
    """A company, a public body or an association."""


class Language(enum.Enum):
    """A language of Kierto's texts."""

    FI = "fi"
    """Finnish."""
    SV = "sv"
    """Swedish."""
    NB = "nb"
    """Norwegian Bokmål."""
    EN = "en"
    """English."""


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


class Membership(Value, frozen=True, kw_only=True):
    """A user's membership in an organisation."""

    organisation: Organisation
    """The organisation."""
    role: Role
    """The role."""
    billing: bool
    """The permission to see prices and invoices."""
    site_ids: list[Id] | None
    """The ids of the sites that the user can see; None: all of them."""
    until: dt.date | None
    """The last day of the membership, inclusive; None if it has no end."""


class Me(Value, frozen=True, kw_only=True):
    """The signed-in user with their memberships (I10)."""

    id: Id
    """The global id."""
    username: str
    """The username."""
    email: EmailAddress
    """The e-mail address, to which Kierto sends mail."""
    language: Language
    """The language of mails and messages."""
    staff: bool
    """Whether the user is an employee of the operator."""
    memberships: list[Membership]
    """The memberships, by the organisation's name."""


class Contact(Value, frozen=True, kw_only=True):
    """A user's e-mail address and language. Only services get it, at the moment of use."""

    user_id: Id
    username: str
    email: str
    language: Language


class Actor(Outcome, frozen=True, kw_only=True):
    """The one who did something."""

    name: str | None
    """The name, if the reader may see it; None otherwise."""


class UserActor(Actor, frozen=True, kw_only=True):
    """A customer's user. Members see the names of the members of their own organisations."""


class StaffActor(Actor, frozen=True, kw_only=True):
    """An employee of the operator. Only staff see the name."""


class PartnerActor(Actor, frozen=True, kw_only=True):
    """A partner's system. Members see the names of the partners that serve their organisations."""


class SystemActor(Actor, frozen=True, kw_only=True):
    """Kierto itself: the change followed from a rule. It has no name."""


class Grant(Value, frozen=True, kw_only=True):
    """A subject's access to an organisation."""

    organisation_id: Id | None
    """None: all organisations, for staff and some partners."""
    role: Role | None = None
    """None for partners, whose scopes decide."""
    billing: bool = False
    """The permission to see prices and invoices."""
    site_ids: list[Id] | None = None
    """None: all sites of the organisation."""
    until: dt.date | None = None
    """The last day, inclusive; None if there is no end."""


@declare_event("identity.access.stated", subject="subject_id")
class AccessStated(Event, frozen=True, kw_only=True):
    """The whole access of a user or partner from now on."""

    subject_id: Id
    kind: SubjectKind
    version: int
    """A higher version replaces every lower one."""
    active: bool
    scopes: list[str]
    grants: list[Grant]
    part: int = 1
    """The number of this part, from 1."""
    parts: int = 1
    """The number of parts if the access is too large for one event. They take effect together."""


@declare_event("identity.session.ended", subject="session_id")
class SessionEnded(Event, frozen=True, kw_only=True):
    """A session ended before its tokens expired: by signing out, by its user, or by a refresh token used twice."""

    session_id: Id
    subject_id: Id


@declare_event("identity.organisation.stated", subject="organisation_id")
class OrganisationStated(Event, frozen=True, kw_only=True):
    """The current state of an organisation that was added or changed."""

    organisation_id: Id
    customer_number: str
    kind: OrganisationKind
    version: int


class Register(Value, frozen=True, kw_only=True):
    """A registration (I1)."""

    customer_number: Annotated[str, TextLimit(100)]
    """The customer number that is printed on the customer's invoices."""
    invoice_number: Annotated[str, TextLimit(100)]
    """The number of one of the customer's latest invoices."""
    username: Annotated[Username, USERNAME_LENGTH]
    """The username: an e-mail address or any memorable name. Its letters are of one script."""
    email: EmailAddress
    """The user's e-mail address."""
    password: Annotated[Password, PASSWORD_LENGTH]
    """The password: no common one, and without the username."""
    terms_version: Annotated[str, TextLimit(100)] | None
    """The version of the terms that the user accepted; None if they were not accepted, which is refused."""
    language: Language = Language.FI
    """The language of mails and messages."""


class Registered(MutationResult, frozen=True, kw_only=True):
    """The account was created."""

    user_id: Id
    """The id of the new user."""
    access_requested: bool
    """Whether the organisation already has members: its admins then decide about access."""


class KnownDevice(Value, frozen=True, kw_only=True):
    """A device's token, presented when its user signs in again. It grants no access."""

    token: str
    expires_in: int
    """Seconds."""


class SignedIn(MutationResult, frozen=True, kw_only=True):
    """The tokens of a session."""

    access_token: str
    """A bearer token (RFC 6750) for the header ``Authorization``."""
    refresh_token: str
    """A token that is exchanged once for the next tokens."""
    expires_in: int
    """The validity of the access token, in seconds."""
    refresh_expires_in: int
    """The validity of the refresh token, in seconds; after that the session is over."""
    device: KnownDevice | None = None
    """For the next sign-in from the same device; None after a refresh."""


class SignedOut(MutationResult, frozen=True, kw_only=True):
    """The session is over."""

    session_ended: bool
    """Whether this ended it: false if it was over before."""


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


class NumberFormat(Value, frozen=True, kw_only=True):
    """The format of a number that people copy from paper."""

    pattern: str
    """A regular expression that matches the whole number."""
    example: str
    """An example, to show to people."""


class PasswordRules(Value, frozen=True, kw_only=True):
    """The rules for passwords. Common ones, and those that contain the username, are refused beside."""

    shortest: int
    """The least number of characters."""
    longest: int
    """The greatest number of characters."""


class RegistrationSettings(Value, frozen=True, kw_only=True):
    """The operator's settings for registration."""

    terms_version: str
    """The version of the terms that a registration accepts."""
    customer_number: NumberFormat
    """The format of customer numbers."""
    invoice_number: NumberFormat
    """The format of invoice numbers."""
    password: PasswordRules
    """The rules for passwords."""


class PublicKeys(Value, frozen=True, kw_only=True):
    """The public keys that verify access tokens: a JWK Set (RFC 7517, section 5), as JSON text."""

    jwks: str


SCOPES = ("orders:read", "orders:subscribe", "pickups:report")
"""The scopes of partners: reading orders, subscribing to their events, reporting pickups."""


@declare_event("identity.audit.recorded", subject="subject_id")
class IdentityAuditRecorded(AuditRecorded, frozen=True, kw_only=True):
    """An entry was added to identity's audit log."""


_ANY_SUBJECT = allow(SubjectKind.USER, SubjectKind.STAFF, SubjectKind.PARTNER)


class Identity(Importing, Protocol):
    """Operations of identity."""

    @public_write
    async def register(self, command: Register) -> Registered | Refusal:
        """Create an account from the numbers on an invoice; the first user of an organisation becomes its ADMIN.

        Refused with CUSTOMER_NOT_RECOGNISED (for an unknown customer and a wrong invoice alike), WEAK_PASSWORD,
        TERMS_REQUIRED, USERNAME_TAKEN, MALFORMED, TOO_MANY_ATTEMPTS, OVERLOADED.
        """
        ...

    @public_write
    async def sign_in(self, username: Username, password: Password, device_token: Secret = "") -> SignedIn | Refusal:
        """Start a session (I3). Refused with SIGN_IN_FAILED, TOO_MANY_ATTEMPTS or OVERLOADED.

        Failed attempts from other devices do not block a device with the ``device_token`` of an earlier sign-in.
        """
        ...

    @public_write
    async def refresh(self, refresh_token: Secret) -> SignedIn | Refusal:
        """Issue the next tokens of a session. Refused with SESSION_ENDED.

        A refresh token that is used again later than 10 s ends the session.
        """
        ...

    @write(PEOPLE)
    async def sign_out(self) -> SignedOut | Refusal:
        """End the session of the caller's access token."""
        ...

    @public_write
    async def sign_out_with(self, refresh_token: Secret) -> SignedOut | Refusal:
        """End the session of a refresh token, even a used one (RFC 7009, section 2.1)."""
        ...

    @open_write
    async def client_token(
        self,
        client_id: Id,
        client_secret: Secret,
        scope: Annotated[str, TextLimit(1_000)] = "",
        subject: Id = "",
    ) -> ClientToken | Refusal:
        """Grant a token for client credentials (RFC 6749, section 4.4) to a service, or to a partner by the gateway.

        ``scope`` has the requested scopes, separated by spaces; empty: all of the client's. A service
        (``client_id`` is ``service:<name>``) may name the ``subject`` on whose behalf it acts. Refused with
        INVALID_CLIENT, INVALID_SCOPE or TOO_MANY_ATTEMPTS.
        """
        ...

    @open_read
    async def public_keys(self) -> PublicKeys:
        """Return the keys that verify access tokens."""
        ...

    @open_read
    async def settings(self) -> RegistrationSettings:
        """Return the settings for registration."""
        ...

    @read(_ANY_SUBJECT)
    async def me(self) -> Me | None:
        """Return the signed-in user; None if the caller is not a user."""
        ...

    @read(_ANY_SUBJECT)
    async def organisations(self, ids: list[OrganisationId]) -> list[Organisation | None]:
        """Return the organisations with these ids, in this order; None for one that the caller may not see."""
        ...

    @read(allow(services=("gateway", "sites", "orders", "stats", "support")))
    async def access_of(self, subject_id: Id) -> AccessStated | None:
        """Return a subject's current access, for services whose copy is older than a token."""
        ...

    @read(allow(services=("support",)))
    async def contacts(self, user_ids: list[Id]) -> list[Contact | None]:
        """Return the contacts of these users, in this order."""
        ...

    @read(_ANY_SUBJECT)
    async def actors(self, ids: list[ActorId]) -> list[UserActor | StaffActor | PartnerActor | None]:
        """Return the users and partners with these ids, in this order; None for one that does not exist any more."""
        ...

    @read(STAFF)
    async def partners(self) -> list[Partner]:
        """Return all partners, by name."""
        ...

    @write(STAFF)
    async def create_partner(self, command: CreatePartner) -> PartnerCreated | Refusal:
        """Create a partner with its first secret."""
        ...

    @write(STAFF)
    async def revoke_partner(self, id: Id, version: int) -> PartnerRevoked | Conflict | Refusal:
        """End a partner's access at once, unless it is not in this version. A repetition has no effect."""
        ...
