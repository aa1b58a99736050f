"""Who calls: what the token says, as the copy of access confirms it."""

import msgspec

from services.chassis.problems import Forbidden, Unauthenticated
from services.contracts.identity import Language, SubjectKind


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of an operation.

    ``subject_id`` is a user's or partner's id, or ``service:<name>``; ``acting`` is the service that calls for the
    subject, if one does; ``service`` the name of the service whose own token this is; ``access_version`` is that of
    the copy.

    A stranger has no subject and no kind, but an ``address``: of a request that comes ``from_gateway`` the one that
    the gateway names, else the other end of the connection.
    """

    subject_id: str = ""
    kind: SubjectKind | None = None
    scopes: frozenset[str] = frozenset()
    session_id: str = ""
    access_version: int = 0
    actor: str = ""
    service: str = ""
    language: Language = Language.FI
    address: str = ""
    from_gateway: bool = False

    @property
    def staff(self) -> bool:
        return self.kind is SubjectKind.STAFF

    def require(self, *kinds: SubjectKind, scope: str | None = None) -> None:
        """Forbidden unless the caller is of one of these kinds; a partner needs ``scope``, and one must be named."""
        if self.kind not in kinds:
            raise Forbidden
        if self.kind is SubjectKind.PARTNER and scope not in self.scopes:
            raise Forbidden

    def require_gateway(self) -> None:
        """Unauthenticated unless the gateway calls for this stranger."""
        if not self.from_gateway:
            raise Unauthenticated


PEOPLE = (SubjectKind.USER, SubjectKind.STAFF)
EVERYONE = (SubjectKind.USER, SubjectKind.STAFF, SubjectKind.PARTNER)
