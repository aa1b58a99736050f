"""Sign-in: the start of a session (I3)."""

import secrets
import uuid

import msgspec

from services.chassis.auth.tokens import Signer
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.sessions import KnownDevice, SignedIn
from services.contracts.values import Refusal, refuse
from services.identity.domain.access import UserRecord
from services.identity.domain.attempts import Scope
from services.identity.domain.device import LIFETIME, device_token, recognise_device
from services.identity.domain.names import username_key
from services.identity.domain.secret import digest
from services.identity.domain.session import Session, new_session
from services.identity.usecases.issue_access_token import EXPIRES_IN, FIRST_PARTY_CLIENT, issue_access_token
from services.identity.usecases.limit_attempts import count_attempt, counter_of
from services.identity.usecases.ports.passwords import Passwords
from services.identity.usecases.ports.transaction import IdentityStore, Work
from services.identity.usecases.request_recovery import Recovery, request_recovery

REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the purpose of a digest, not a secret
_UNKNOWN_USER_ID = uuid.UUID(int=0)
"""The id that stands for an unknown user, so that recognising a device takes as long."""


async def sign_in(
    work: Work,
    passwords: Passwords,
    signer: Signer,
    pepper: bytes,
    username: str,
    password: str,
    device: str,
    address: str,
) -> SignedIn | Refusal:
    """Start a session. An unknown user and a wrong password are refused with the same code in the same time.

    ``device`` is the token of the device, if it has one: a known device of this account is not limited by the attempts
    of others. The limit is checked before the password. With the failure after which attempts wait, the owner
    gets a mail.
    """
    key = username_key(username)
    by_address = counter_of(pepper, Scope.ADDRESS, address)
    async with work() as tx:
        user = await tx.users.by_username(key)
        known = recognise_device(pepper, user.id if user else _UNKNOWN_USER_ID, device, tx.now)
        by_device = counter_of(pepper, Scope.DEVICE, known) if known else None
        counted = await count_attempt(tx, by_address, counter_of(pepper, Scope.USERNAME, key), by_device)
    if isinstance(counted, Refusal):
        return counted
    is_right = await passwords.verify(user.password_hash if user else None, password)
    if user is None or not is_right or not user.active:
        if counted.locks:
            async with work() as tx:
                request_recovery(tx, Recovery.UNLOCK, [user.id] if user else [])
        return refuse("SIGN_IN_FAILED")
    token = secrets.token_urlsafe(32)
    async with work() as tx:
        if not await tx.users.keeps_password(user):
            return refuse("SIGN_IN_FAILED")
        session = new_session(new_uuid(), user.id, tx.now)
        await tx.sessions.add(session, digest(pepper, REFRESH_TOKEN, token))
        await tx.attempts.refund(counted.counters)
    known_device = KnownDevice(
        token=device_token(pepper, user.id, secrets.token_urlsafe(16), tx.now),
        expires_in=int(LIFETIME.total_seconds()),
    )
    return msgspec.structs.replace(sign_in_response(tx, signer, user, session, token), device=known_device)


def sign_in_response(tx: IdentityStore, signer: Signer, user: UserRecord, session: Session, token: str) -> SignedIn:
    """Return the response to a sign-in or refresh. Called after the transaction: signing takes processor time."""
    access = issue_access_token(
        signer,
        tx.now,
        subject=write_id("user", user.id),
        kind=user.kind,
        client_id=FIRST_PARTY_CLIENT,
        version=user.version,
        session=write_id("session", session.id),
        locale=user.language.value,
    )
    expires_in = int((session.expires_at - tx.now).total_seconds())
    return SignedIn(access_token=access, refresh_token=token, expires_in=EXPIRES_IN, refresh_expires_in=expires_in)
