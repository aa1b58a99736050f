"""Authentication of callers: verification of their tokens, and revocation by identity's events.

A token is valid for up to ten minutes after its session or its subject's access ended. Every gateway process therefore
consumes identity's topic and checks each request and each pushed event against it. Authorization is the services'.
"""

import asyncio
import datetime as dt
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from services.access.access_parts import join_access
from services.chassis.auth.tokens import LIFETIME, Claims, Verifier
from services.chassis.events.envelope import MalformedEvent, RawRecord, UnknownEvent, decode_event
from services.chassis.problems import Unauthenticated
from services.chassis.runtime.clock import Clock
from services.contracts.identity.events import AccessStated, SessionEnded
from services.contracts.permission import SubjectKind

REVOCATION_LOOKBACK = LIFETIME + dt.timedelta(minutes=5)
"""Age of the oldest events of identity that matter: no token is older than its lifetime."""

_V = TypeVar("_V")


class AuthenticatedCaller(msgspec.Struct, frozen=True):
    """A caller with a valid token."""

    token: str
    claims: Claims
    kind: SubjectKind

    @property
    def subject_id(self) -> str:
        return self.claims.sub


class Authenticator:
    """The authenticator of tokens, with the recent revocations."""

    def __init__(self, verifier: Verifier, clock: Clock) -> None:
        self._verifier = verifier
        self._clock = clock
        self._ended_sessions: _RecentValues[bool] = _RecentValues()
        self._recent_access: _RecentValues[AccessStated] = _RecentValues()
        self._incomplete_access: _RecentValues[dict[int, AccessStated]] = _RecentValues()
        self.changed = asyncio.Event()
        """Set by every revocation and change of access; its one consumer clears it."""
        self.on_access_change: Callable[[str], None] = lambda subject_id: None
        """Called with the id of a subject whose access changed, at once."""

    def apply(self, record: RawRecord) -> None:
        """Apply one of identity's events."""
        try:
            event = decode_event(record)
        except MalformedEvent:
            return  # the services quarantine and report it
        if isinstance(event, UnknownEvent):
            return
        match event.data:
            case SessionEnded(session_id=session_id):
                self._ended_sessions.put(session_id, True, event.written_at)
            case AccessStated() as part:
                stated = self._join_parts(part, event.written_at)
                known = self._recent_access.get(part.subject_id)
                if stated is None or (known is not None and known.version >= stated.version):
                    return
                self._recent_access.put(stated.subject_id, stated, event.written_at)
                self.on_access_change(stated.subject_id)
            case _:
                return
        self.changed.set()

    def _join_parts(self, part: AccessStated, at: dt.datetime) -> AccessStated | None:
        """Return the access that this part completes; None while parts are missing."""
        if part.parts == 1:
            return part
        before = self._incomplete_access.get(part.subject_id) or {}
        parts = {number: one for number, one in before.items() if one.version == part.version} | {part.part: part}
        if len(parts) < part.parts:
            self._incomplete_access.put(part.subject_id, parts, at)
            return None
        self._incomplete_access.put(part.subject_id, {}, at)
        return join_access(parts.values())

    async def authenticate(self, authorization: str) -> AuthenticatedCaller | None:
        """Return the caller with this ``Authorization`` field (RFC 6750, section 2.1); None if it is empty.

        Raises as ``authenticate_token``.
        """
        if not authorization:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        return await self.authenticate_token(token.strip())

    async def authenticate_token(self, token: str) -> AuthenticatedCaller:
        """Return the caller with this token; Unauthenticated if it is invalid or revoked, NotReadyYet without keys."""
        claims = await self._verifier.verify(token)
        try:
            caller = AuthenticatedCaller(token, claims, SubjectKind(claims.kind))
        except ValueError:
            raise Unauthenticated from None
        # Services call each other directly: a service's token that comes in here is stolen.
        if caller.kind is SubjectKind.SERVICE or self.access_ended(caller):
            raise Unauthenticated
        return caller

    def access_ended(self, caller: AuthenticatedCaller) -> bool:
        """Whether the caller's token expired, or its session or all of its access ended."""
        if not caller.claims.valid_at(self._clock.now().timestamp()):
            return True
        if caller.claims.sid and self._ended_sessions.get(caller.claims.sid):
            return True
        stated = self._recent_access.get(caller.subject_id)
        return stated is not None and not stated.active

    def recent_access(self, subject_id: str) -> AccessStated | None:
        """Return a subject's newest access within the lookback; None if it did not change."""
        return self._recent_access.get(subject_id)


class _RecentValues(Generic[_V]):
    """Values by key, evicted when they are older than any valid token."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[dt.datetime, _V]] = OrderedDict()

    def get(self, key: str) -> _V | None:
        entry = self._values.get(key)
        return entry[1] if entry else None

    def put(self, key: str, value: _V, at: dt.datetime) -> None:
        self._values.pop(key, None)
        self._values[key] = (at, value)
        while next(iter(self._values.values()))[0] < at - REVOCATION_LOOKBACK:
            self._values.popitem(last=False)
