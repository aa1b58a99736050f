"""Going on with a session (I3): a refresh token for the next one."""

import secrets

from services.chassis.auth.tokens import Signer
from services.contracts.identity import SignedIn
from services.contracts.values import Refusal, refuse
from services.identity.domain.secret import digest
from services.identity.domain.session import RefreshTokenUse, classify_use, rotate_session, successor_token
from services.identity.usecases.end_session import end_session
from services.identity.usecases.ports import Work
from services.identity.usecases.sign_in import REFRESH_TOKEN, sign_in_response


async def refresh_session(work: Work, signer: Signer, pepper: bytes, token: str) -> SignedIn | Refusal:
    """Go on with a session; refused with SESSION_ENDED.

    A token that was used gets its successor again within 10 s, if that is still the last; any later use of it ends
    the family, for two hold it then. The session's row is locked, so equal calls come one after the other.
    """
    async with work() as tx:
        found = await tx.find_refresh_token(digest(pepper, REFRESH_TOKEN, token))
        session = await tx.session_by_id(found[0]) if found else None
        if found is None or session is None:
            return refuse("SESSION_ENDED")
        user = await tx.user_by_id(session.user_id)
        use = classify_use(session, found[1], tx.now)
        if use is RefreshTokenUse.REUSED:
            await end_session(tx, session)
        if use in (RefreshTokenUse.REUSED, RefreshTokenUse.SESSION_OVER) or user is None or not user.active:
            return refuse("SESSION_ENDED")
        if use is RefreshTokenUse.CURRENT:
            session = rotate_session(session, secrets.token_bytes(32), tx.now)
            await tx.save_session(session)
        following = successor_token(pepper, token, session.salt)
        if use is RefreshTokenUse.CURRENT:
            await tx.add_refresh_token(session, digest(pepper, REFRESH_TOKEN, following))
    return sign_in_response(tx, signer, user, session, following)
