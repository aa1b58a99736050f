"""Users, their memberships and registration."""

import datetime as dt
import enum
from typing import Annotated

from services.contracts.identity.organisations import Organisation
from services.contracts.permission import Role
from services.contracts.values import (
    EmailAddress,
    Id,
    Length,
    MutationResult,
    TextLimit,
    Value,
)

USERNAME_LENGTH = Length(3, 100)

PASSWORD_LENGTH = Length(12, 256)

Username = Annotated[str, TextLimit(400)]
"""A username as typed. A stored one has at most 100 characters, each of which may be typed as four code points."""

Password = Annotated[str, TextLimit(1024, verbatim=True)]
"""A password as typed: at most 256 characters, each of which may be typed as four code points."""


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
    """The e-mail address, to which Kierto sends mail once it is verified."""
    email_verified: bool
    """Whether the address is verified: until then it gets the mail with the link that verifies it, and no other."""
    new_email: EmailAddress | None
    """The address that replaces it as soon as both have confirmed the change; None if no change is under way."""
    language: Language
    """The language of mails and messages."""
    staff: bool
    """Whether the user is an employee of the operator."""
    memberships: list[Membership]
    """The memberships, by the organisation's name."""
    version: int
    """Rises with every change of the user's own account; memberships are not part of it."""


class Contact(Value, frozen=True, kw_only=True):
    """A user's e-mail address and language. Only services get it, at the moment of use."""

    user_id: Id
    username: str
    email: str | None
    """None until the user has verified it."""
    language: Language


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
