"""The caller of an operation: the claims of the token, confirmed by the copy of access."""

import msgspec

from services.contracts.identity.people import Language
from services.contracts.permission import Role, SubjectKind


class EffectivePermissions(msgspec.Struct, frozen=True):
    """The permissions of a caller on an organisation or site: those of all grants together."""

    role: Role | None = None
    """None for partners: their scopes decided already."""
    billing: bool = False
    """Whether prices are shown."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of an operation. An anonymous one has neither subject nor kind, but an address."""

    subject_id: str = ""
    """The id of a user or partner, or ``service:<name>``."""
    kind: SubjectKind | None = None
    scopes: frozenset[str] = frozenset()
    session_id: str = ""
    access_version: int = 0
    """The version of the copy of access."""
    actor: str = ""
    """The service that calls for the subject, if one does."""
    service: str = ""
    """The name of the service that the token was issued to."""
    language: Language = Language.FI
    address: str = ""
    """The address of an anonymous caller: the one that the gateway states, else that of the peer."""
    from_gateway: bool = False
    """Whether the gateway calls, for an anonymous caller."""
    permissions: EffectivePermissions = EffectivePermissions()
    """The permissions on the thing that the call is about."""

    @property
    def staff(self) -> bool:
        return self.kind is SubjectKind.STAFF
