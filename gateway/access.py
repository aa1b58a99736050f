"""Who calls the gateway, and whether they still may: tokens are verified, and identity's topic is followed.

A token outlives what it was given for by up to ten minutes. So every gateway process reads from identity's events
which sessions ended and whose access did, and looks there on every request and every pushed event. What a caller may
reach is the services' to decide, each by its own copy.
"""

import asyncio
import datetime as dt
from collections import OrderedDict
from typing import Generic, TypeVar

import msgspec

from services.access.stated_parts import join_access
from services.chassis.clock import Clock
from services.chassis.envelope import MalformedEvent, Raw, understand
from services.chassis.problems import Unauthenticated
from services.chassis.tokens import LIFETIME, Claims, Verifier
from services.contracts.identity import AccessStated, SessionEnded, SubjectKind

BACK = LIFETIME + dt.timedelta(minutes=5)
"""How far back identity's topic matters: no token is older than its lifetime."""

_V = TypeVar("_V")


class Caller(msgspec.Struct, frozen=True):
    """Someone who presented a valid token."""

    token: str
    claims: Claims
    kind: SubjectKind

    @property
    def subject_id(self) -> str:
        return self.claims.sub


class Access:
    """What this process knows of tokens and of access that ended."""

    def __init__(self, verifier: Verifier, clock: Clock) -> None:
        self._verifier = verifier
        self._clock = clock
        self._ended_sessions: _Recent[bool] = _Recent()
        self._stated: _Recent[AccessStated] = _Recent()
        self._parts: _Recent[dict[int, AccessStated]] = _Recent()
        self.changed = asyncio.Event()
        """Set whenever identity said something; whoever looked clears it."""

    def take(self, record: Raw) -> None:
        """Take in one of identity's events."""
        try:
            event = understand(record)
        except MalformedEvent:
            return  # the services set it aside and say so; nobody's access is in it
        if event is None:
            return
        match event.data:
            case SessionEnded(session_id=session_id):
                self._ended_sessions.put(session_id, True, event.written_at)
            case AccessStated() as part:
                stated = self._complete(part, event.written_at)
                known = self._stated.get(part.subject_id)
                if stated is None or (known is not None and known.version >= stated.version):
                    return
                self._stated.put(stated.subject_id, stated, event.written_at)
            case _:
                return
        self.changed.set()

    def _complete(self, part: AccessStated, at: dt.datetime) -> AccessStated | None:
        """Return the whole access that a part completes; None while others of its parts are on their way."""
        if part.parts == 1:
            return part
        before = self._parts.get(part.subject_id) or {}
        parts = {number: one for number, one in before.items() if one.version == part.version} | {part.part: part}
        if len(parts) < part.parts:
            self._parts.put(part.subject_id, parts, at)
            return None
        self._parts.put(part.subject_id, {}, at)
        return join_access(parts.values())

    async def caller_with(self, authorization: str) -> Caller | None:
        """The caller with this value of ``Authorization`` (RFC 6750, section 2.1), None without one; see ``caller``."""
        if not authorization:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        return await self.caller(token.strip())

    async def caller(self, token: str) -> Caller:
        """The caller with this token; Unauthenticated if it is not valid (any more), NotReadyYet without keys."""
        claims = await self._verifier.verify(token)
        try:
            caller = Caller(token, claims, SubjectKind(claims.kind))
        except ValueError:
            raise Unauthenticated from None
        # Services call each other directly; one of their tokens out here was stolen.
        if caller.kind is SubjectKind.SERVICE or self.ended(caller):
            raise Unauthenticated
        return caller

    def ended(self, caller: Caller) -> bool:
        """Whether the caller's token expired, their session is over, or they have no access at all any more."""
        if not caller.claims.hold(self._clock.now().timestamp()):
            return True
        if caller.claims.sid and self._ended_sessions.get(caller.claims.sid):
            return True
        stated = self._stated.get(caller.subject_id)
        return stated is not None and not stated.active

    def stated(self, subject_id: str) -> AccessStated | None:
        """The newest access of a subject that identity stated lately; None if it said nothing of late."""
        return self._stated.get(subject_id)


class _Recent(Generic[_V]):
    """Values by key, those forgotten that are too old for any token to be of their time."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[dt.datetime, _V]] = OrderedDict()

    def get(self, key: str) -> _V | None:
        found = self._values.get(key)
        return found[1] if found else None

    def put(self, key: str, value: _V, at: dt.datetime) -> None:
        self._values.pop(key, None)
        self._values[key] = (at, value)
        while next(iter(self._values.values()))[0] < at - BACK:
            self._values.popitem(last=False)
