"""The records of users and partners. ``version`` is that of their access and rises with every change of it."""

import datetime as dt
import uuid

import msgspec

from services.contracts.identity.people import Language
from services.contracts.permission import Role, SubjectKind


class MembershipRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A user's membership of an organisation."""

    organisation_id: uuid.UUID
    role: Role
    billing: bool
    """Whether prices are shown."""
    site_ids: list[uuid.UUID] | None = None
    """None is all sites."""
    until: dt.date | None = None
    """The last day, inclusive."""


class UserRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A user. Staff reach every organisation without a membership and accept no terms."""

    id: uuid.UUID
    username: str
    email: str
    email_verified_at: dt.datetime | None = None
    """None until a link in a mail has shown that the address is the user's: no other mail goes there before."""
    language: Language
    password_hash: str
    staff: bool = False
    active: bool = True
    version: int = 1
    account_version: int = 1
    """Rises with every change of the user's own account: of username, address, password, language."""
    terms_version: str | None = None
    terms_accepted_at: dt.datetime | None = None
    memberships: list[MembershipRecord] = []

    @property
    def kind(self) -> SubjectKind:
        return SubjectKind.STAFF if self.staff else SubjectKind.USER


class PartnerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A partner. It reaches the listed organisations, or with ``all_organisations`` every one."""

    id: uuid.UUID
    name: str
    scopes: list[str]
    organisation_ids: list[uuid.UUID]
    all_organisations: bool
    active: bool = True
    version: int = 1


def revoke(partner: PartnerRecord) -> PartnerRecord:
    """Return the partner without access."""
    return msgspec.structs.replace(partner, active=False, version=partner.version + 1)
