"""The refresh of sessions (I3): a refresh token is exchanged for its successor."""

import secrets

from services.chassis.auth.tokens import Signer
from services.contracts.identity.sessions import SignedIn
from services.contracts.values import Refusal, refuse
from services.identity.domain.secret import digest
from services.identity.domain.session import RefreshTokenUse, classify_use, rotate_session, successor_token
from services.identity.usecases.end_session import end_session
from services.identity.usecases.ports.transaction import Work
from services.identity.usecases.sign_in import REFRESH_TOKEN, sign_in_response


async def refresh_session(work: Work, signer: Signer, pepper: bytes, token: str) -> SignedIn | Refusal:
    """Exchange a refresh token for its successor. Refused with SESSION_ENDED.

    A token that was used gets the same successor again within 10 s, if that is still the last. Any later use ends the
    session: the token was stolen. The session's row is locked, so concurrent refreshes are serialised.
    """
    async with work() as tx:
        found = await tx.sessions.find_refresh_token(digest(pepper, REFRESH_TOKEN, token))
        session = await tx.sessions.lock_by_id(found[0]) if found else None
        if found is None or session is None:
            return refuse("SESSION_ENDED")
        user = await tx.users.by_id(session.user_id)
        use = classify_use(session, found[1], tx.now)
        if use is RefreshTokenUse.REUSED:
            await end_session(tx, session)
        if use in (RefreshTokenUse.REUSED, RefreshTokenUse.SESSION_OVER) or user is None or not user.active:
            return refuse("SESSION_ENDED")
        if use is RefreshTokenUse.CURRENT:
            session = rotate_session(session, secrets.token_bytes(32), tx.now)
            await tx.sessions.save(session)
        successor = successor_token(pepper, token, session.salt)
        if use is RefreshTokenUse.CURRENT:
            await tx.sessions.add_refresh_token(session, digest(pepper, REFRESH_TOKEN, successor))
    return sign_in_response(tx, signer, user, session, successor)
