"""A subscriber's access, checked for each event when it is sent."""

from collections.abc import Collection

from gateway.authentication import AuthenticatedCaller, Authenticator
from gateway.subscriptions.subscriber_index import EVERYTHING
from services.chassis.runtime.clock import Clock
from services.contracts.identity.events import AccessStated
from services.contracts.orders.event_log import OrderEvent, OrderEventFilter
from services.contracts.permission import SubjectKind

SCOPE = "orders:subscribe"


class SubscriberAccess:
    """The current access of one subscriber, as identity's events change it."""

    def __init__(
        self, caller: AuthenticatedCaller, stated: AccessStated, authenticator: Authenticator, clock: Clock
    ) -> None:
        """``stated`` is the access at the start of the subscription."""
        self.caller = caller
        self._stated = stated
        self._authenticator = authenticator
        self._clock = clock

    @property
    def access_ended(self) -> bool:
        """Whether the caller's token, session or access has ended, so that the socket is about to be closed."""
        return self._authenticator.access_ended(self.caller)

    @property
    def allowed(self) -> bool:
        """Whether the caller may subscribe at all."""
        stated = self._current()
        if self.caller.kind is SubjectKind.PARTNER:
            return stated.active and SCOPE in stated.scopes and SCOPE in self.caller.claims.scope.split()
        return stated.active

    def may_see(self, event: OrderEvent) -> bool:
        """Return whether the caller has access to the event's organisation and site today."""
        today = self._clock.today()
        return any(
            (grant.organisation_id is None or grant.organisation_id == event.organisation_id)
            and (grant.until is None or grant.until >= today)
            and (grant.site_ids is None or event.site_id in grant.site_ids)
            for grant in self._current().grants
        )

    def index_keys(self, event_filter: OrderEventFilter) -> Collection[str]:
        """Return the keys in the subscriber index that cover what the caller may see and the filter wants."""
        keys: set[str] = set()
        for grant in self._current().grants:
            wanted = event_filter.organisation_ids
            if grant.organisation_id is not None and wanted is not None and grant.organisation_id not in wanted:
                continue
            if grant.site_ids is not None:
                keys.update(grant.site_ids)
            elif event_filter.site_ids is not None:
                keys.update(event_filter.site_ids)
            elif grant.organisation_id is not None:
                keys.add(grant.organisation_id)
            else:
                keys.update(wanted if wanted is not None else [EVERYTHING])
        return keys

    def _current(self) -> AccessStated:
        newest = self._authenticator.recent_access(self.caller.subject_id)
        if newest is not None and newest.version > self._stated.version:
            self._stated = newest
        return self._stated
