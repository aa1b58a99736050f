"""Going on with a session (I3): a refresh token for the next one."""

import secrets

from services.chassis.tokens import Signer
from services.contracts.identity import SignedIn
from services.contracts.values import Refusal, refuse
from services.identity.domain.secret import digest
from services.identity.domain.session import Use, judge, rotated, successor
from services.identity.usecases.end_session import end_session
from services.identity.usecases.ports import Work
from services.identity.usecases.sign_in import REFRESH_TOKEN, signed_in


async def refresh(work: Work, signer: Signer, pepper: bytes, token: str) -> SignedIn | Refusal:
    """Go on with a session; refused with SESSION_ENDED.

    A token that was used gets its successor again within 10 s, if that is still the last; any later use of it ends
    the family, for two hold it then. The session's row is locked, so equal calls come one after the other.
    """
    async with work() as tx:
        found = await tx.find_refresh_token(digest(pepper, REFRESH_TOKEN, token))
        session = await tx.session_with(found[0]) if found else None
        if found is None or session is None:
            return refuse("SESSION_ENDED")
        user = await tx.user_with(session.user_id)
        use = judge(session, found[1], tx.now)
        if use is Use.STOLEN:
            await end_session(tx, session)
        if use in (Use.STOLEN, Use.OVER) or user is None or not user.active:
            return refuse("SESSION_ENDED")
        if use is Use.NEXT:
            session = rotated(session, secrets.token_bytes(32), tx.now)
            await tx.save_session(session)
        following = successor(pepper, token, session.salt)
        if use is Use.NEXT:
            await tx.add_refresh_token(session, digest(pepper, REFRESH_TOKEN, following))
    return signed_in(tx, signer, user, session, following)
