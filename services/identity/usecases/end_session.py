"""The end of sessions: by signing out, by a change of password, or because a refresh token was used twice (I3)."""

import uuid

from services.chassis.ids import find_id, write_id
from services.contracts.identity.events import SessionEnded
from services.contracts.identity.sessions import SignedOut
from services.contracts.values import Refusal
from services.identity.domain.secret import digest
from services.identity.domain.session import Session, mark_session_ended
from services.identity.usecases.ports.transaction import IdentityStore, Work
from services.identity.usecases.sign_in import REFRESH_TOKEN


async def sign_out(work: Work, user_id: str, session_id: str) -> SignedOut | Refusal:
    """End the session of an access token. ``session_ended`` is False if it had ended before."""
    requested_id = find_id("session", session_id)
    async with work() as tx:
        session = await tx.sessions.lock_by_id(requested_id) if requested_id else None
        if session is None or session.ended_at is not None or write_id("user", session.user_id) != user_id:
            return SignedOut(session_ended=False)
        await end_session(tx, session)
    return SignedOut(session_ended=True)


async def sign_out_with(work: Work, pepper: bytes, token: str) -> SignedOut | Refusal:
    """End the session of a refresh token. Any token of the session ends it."""
    async with work() as tx:
        found = await tx.sessions.find_refresh_token(digest(pepper, REFRESH_TOKEN, token))
        session = await tx.sessions.lock_by_id(found[0]) if found else None
        if session is None or session.ended_at is not None:
            return SignedOut(session_ended=False)
        await end_session(tx, session)
    return SignedOut(session_ended=True)


async def end_sessions(tx: IdentityStore, user_id: uuid.UUID, *, but: uuid.UUID | None = None) -> int:
    """End all sessions of a user, who is locked, but one; return their number."""
    ended = [session for session in await tx.sessions.lock_present_of(user_id, tx.now) if session.id != but]
    for session in ended:
        await end_session(tx, session)
    return len(ended)


async def end_session(tx: IdentityStore, session: Session) -> None:
    """End a session and announce it, for its access tokens are valid for minutes more."""
    await tx.sessions.save(mark_session_ended(session, tx.now))
    tx.emit(SessionEnded(session_id=write_id("session", session.id), subject_id=write_id("user", session.user_id)))
