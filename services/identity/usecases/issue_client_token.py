"""The client credentials grant (RFC 6749, section 4.4; I13), for partners and for Kierto's own services."""

import datetime as dt
from collections.abc import Mapping

from services.chassis.auth.tokens import Signer
from services.chassis.ids import find_id
from services.contracts.identity.partners import ClientToken
from services.contracts.permission import SubjectKind
from services.contracts.values import Refusal, refuse
from services.identity.domain.access import PartnerRecord
from services.identity.domain.attempts import Scope
from services.identity.domain.partner import scopes_granted
from services.identity.domain.secret import digest, digests_equal
from services.identity.usecases.create_partner import CLIENT_SECRET
from services.identity.usecases.issue_access_token import EXPIRES_IN, issue_access_token
from services.identity.usecases.limit_attempts import count_in_windows, counter_of
from services.identity.usecases.ports.transaction import IdentityStore, Work

SERVICE_PREFIX = "service:"
"""The prefix of the client id of a service."""


async def issue_client_token(
    work: Work,
    signer: Signer,
    pepper: bytes,
    service_secrets: Mapping[str, str],
    client_id: str,
    client_secret: str,
    scope: str,
    subject: str,
    address: str,
) -> ClientToken | Refusal:
    """Issue a token to a partner or a service. Only a service may name a ``subject`` to act for.

    A right secret is accepted whatever the count: 256 random bits can't be guessed. Wrong secrets are counted by the
    client's address, so that a client that repeats one is refused for a while.
    """
    secret_digest = digest(pepper, CLIENT_SECRET, client_secret)
    async with work() as tx:
        partner = await _find_partner(tx, client_id, secret_digest)
        name = client_id.removeprefix(SERVICE_PREFIX) if client_id.startswith(SERVICE_PREFIX) else ""
        known_secret = service_secrets.get(name, "")
        is_service = bool(known_secret) and digests_equal(digest(pepper, CLIENT_SECRET, known_secret), secret_digest)
        if partner is None and not is_service:
            counted_by = counter_of(pepper, Scope.MACHINE_ADDRESS, address)
            return await count_in_windows(tx, counted_by) or refuse("INVALID_CLIENT")
    if partner is not None:
        return _issue_partner_token(signer, tx.now, partner, client_id, scope, subject)
    return _issue_service_token(signer, tx.now, client_id, scope, subject)


async def _find_partner(tx: IdentityStore, client_id: str, secret_digest: bytes) -> PartnerRecord | None:
    """Return the partner if it is active and the secret is its own. Not locked: attempts do not wait for each other."""
    partner_id = find_id("partner", client_id)
    if partner_id is None:
        return None
    partner = await tx.partners.by_id(partner_id)
    right = any(digests_equal(known, secret_digest) for known in await tx.partners.secrets(partner_id))
    return partner if partner is not None and partner.active and right else None


def _issue_partner_token(
    signer: Signer, now: dt.datetime, partner: PartnerRecord, client_id: str, scope: str, subject: str
) -> ClientToken | Refusal:
    granted = scopes_granted(scope, partner.scopes)
    if subject:
        return refuse("INVALID_CLIENT", "subject")
    if granted is None:
        return refuse("INVALID_SCOPE", "scope", allowed=" ".join(partner.scopes))
    token = issue_access_token(
        signer,
        now,
        subject=client_id,
        kind=SubjectKind.PARTNER,
        client_id=client_id,
        version=partner.version,
        scope=" ".join(granted),
    )
    return ClientToken(access_token=token, expires_in=EXPIRES_IN, scope=" ".join(granted))


def _issue_service_token(
    signer: Signer, now: dt.datetime, client_id: str, scope: str, subject: str
) -> ClientToken | Refusal:
    if scope:
        return refuse("INVALID_SCOPE", "scope", allowed="")
    token = issue_access_token(
        signer,
        now,
        subject=subject or client_id,
        kind=SubjectKind.SERVICE,
        client_id=client_id,
        actor=client_id if subject else "",
    )
    return ClientToken(access_token=token, expires_in=EXPIRES_IN, scope="")
