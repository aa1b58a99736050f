"""Beginning a session (I3)."""

import secrets
import uuid

import msgspec

from services.chassis.auth.tokens import Signer
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity import KnownDevice, SignedIn
from services.contracts.values import Refusal, refuse
from services.identity.domain.access import UserRecord
from services.identity.domain.attempts import Scope
from services.identity.domain.device import LIFETIME, device_token, recognise_device
from services.identity.domain.names import username_key
from services.identity.domain.secret import digest
from services.identity.domain.session import Session, new_session
from services.identity.usecases.issue_access_token import EXPIRES_IN, FIRST_PARTY_CLIENT, issue_access_token
from services.identity.usecases.limit_attempts import count_attempt, counter_of
from services.identity.usecases.ports import IdentityStore, Passwords, Work

REFRESH_TOKEN = "refresh_token"  # noqa: S105 - what a digest is for, not a secret
_UNKNOWN_USER_ID = uuid.UUID(int=0)
"""Whose devices an unknown user's are: to look for them takes as long."""


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
    """Begin a session. An unknown user and a wrong password are refused in the same words and the same time.

    ``device`` is the token of the device, if it has one: known for this account, it is not held back by what strangers
    try. Whether an attempt may be made is judged before the password is looked at.
    """
    key = username_key(username)
    by_address = counter_of(pepper, Scope.ADDRESS, address)
    async with work() as tx:
        user = await tx.user_by_username(key)
        known = recognise_device(pepper, user.id if user else _UNKNOWN_USER_ID, device, tx.now)
        by_device = counter_of(pepper, Scope.DEVICE, known) if known else None
        counted_by = await count_attempt(tx, by_address, counter_of(pepper, Scope.USERNAME, key), by_device)
    if isinstance(counted_by, Refusal):
        return counted_by
    right = await passwords.verify(user.password_hash if user else None, password)
    if user is None or not right or not user.active:
        return refuse("SIGN_IN_FAILED")
    token = secrets.token_urlsafe(32)
    async with work() as tx:
        session = new_session(new_uuid(), user.id, tx.now)
        await tx.add_session(session, digest(pepper, REFRESH_TOKEN, token))
        await tx.refund_attempts(counted_by)
    known_device = KnownDevice(
        token=device_token(pepper, user.id, secrets.token_urlsafe(16), tx.now),
        expires_in=int(LIFETIME.total_seconds()),
    )
    return msgspec.structs.replace(sign_in_response(tx, signer, user, session, token), device=known_device)


def sign_in_response(tx: IdentityStore, signer: Signer, user: UserRecord, session: Session, token: str) -> SignedIn:
    """The answer to a sign-in or refresh, signed once its transaction is over."""
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
    left = int((session.expires_at - tx.now).total_seconds())
    return SignedIn(access_token=access, refresh_token=token, expires_in=EXPIRES_IN, refresh_expires_in=left)
