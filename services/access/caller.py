"""The caller of an operation: the claims of the token, confirmed by the copy of access."""

import msgspec

from services.chassis.problems import Forbidden, Unauthenticated
from services.contracts.identity import Language, SubjectKind


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

    @property
    def staff(self) -> bool:
        return self.kind is SubjectKind.STAFF

    def require(self, *kinds: SubjectKind, scope: str | None = None) -> None:
        """Raise Forbidden unless the caller is of one of these kinds and, if a partner, has ``scope``."""
        if self.kind not in kinds:
            raise Forbidden
        if self.kind is SubjectKind.PARTNER and scope not in self.scopes:
            raise Forbidden

    def require_gateway(self) -> None:
        """Raise Unauthenticated unless the gateway calls for this anonymous caller."""
        if not self.from_gateway:
            raise Unauthenticated


PEOPLE = (SubjectKind.USER, SubjectKind.STAFF)
EVERYONE = (SubjectKind.USER, SubjectKind.STAFF, SubjectKind.PARTNER)
