"""The issue of access tokens (RFC 9068, section 2.2)."""

import datetime as dt

from services.chassis.auth.tokens import AUDIENCE, ISSUER, LIFETIME, Claims, Signer
from services.chassis.ids import new_uuid
from services.contracts.permission import SubjectKind

EXPIRES_IN = int(LIFETIME.total_seconds())
"""Lifetime of an access token in seconds."""

FIRST_PARTY_CLIENT = "kierto"
"""The ``client_id`` of users' tokens: web and phone are one client."""


def issue_access_token(
    signer: Signer,
    now: dt.datetime,
    *,
    subject: str,
    kind: SubjectKind,
    client_id: str,
    version: int = 0,
    session: str = "",
    scope: str = "",
    actor: str = "",
    locale: str = "",
) -> str:
    """Issue a token for a subject.

    ``version`` is that of the subject's access, ``actor`` the service that acts for it. ``locale`` is a user's
    language; a change of it is in their next token.
    """
    issued = int(now.timestamp())
    return signer.sign(
        Claims(
            iss=ISSUER,
            aud=AUDIENCE,
            sub=subject,
            client_id=client_id,
            jti=str(new_uuid()),
            iat=issued,
            exp=issued + EXPIRES_IN,
            kind=kind.value,
            av=version,
            sid=session,
            scope=scope,
            act={"sub": actor} if actor else {},
            locale=locale,
        )
    )
