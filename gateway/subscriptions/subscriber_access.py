"""What a subscriber may see: judged for each event when it is pushed, by what identity says by then."""

import functools

import msgspec

from gateway.authentication import AuthenticatedCaller, Authenticator
from services.chassis.runtime.clock import Clock
from services.contracts.identity import AccessStated, SubjectKind
from services.contracts.orders import OrderEvent

SCOPE = "orders:subscribe"


class _EventSite(msgspec.Struct, rename="camel"):
    site_id: str = ""


class SubscriberAccess:
    """One subscriber's access: as it was stated at the beginning, and as identity's events changed it since."""

    def __init__(self, caller: AuthenticatedCaller, stated: AccessStated, access: Authenticator, clock: Clock) -> None:
        self.caller = caller
        self._stated = stated
        self._access = access
        self._clock = clock

    @property
    def access_ended(self) -> bool:
        """Whether the caller's access ended altogether: the socket is about to be closed."""
        return self._access.access_ended(self.caller)

    @property
    def allowed(self) -> bool:
        """Whether the caller may subscribe at all."""
        stated = self._now()
        if self.caller.kind is SubjectKind.PARTNER:
            return stated.active and SCOPE in stated.scopes and SCOPE in self.caller.claims.scope.split()
        return stated.active and self.caller.kind is SubjectKind.STAFF

    def may_see(self, event: OrderEvent) -> bool:
        """Whether the caller reaches the event's organisation, and its site, today."""
        today = self._clock.today()
        return any(
            (grant.organisation_id is None or grant.organisation_id == event.organisation_id)
            and (grant.until is None or grant.until >= today)
            and (grant.site_ids is None or site_id_of(event) in grant.site_ids)
            for grant in self._now().grants
        )

    def _now(self) -> AccessStated:
        newest = self._access.recent_access(self.caller.subject_id)
        if newest is not None and newest.version > self._stated.version:
            self._stated = newest
        return self._stated


def site_id_of(event: OrderEvent) -> str:
    """The site that an event is about."""
    return _decode_site_id(event.data)


@functools.lru_cache(maxsize=1024)  # each subscriber asks it of the same event
def _decode_site_id(data: str) -> str:
    return msgspec.json.decode(data, type=_EventSite).site_id
