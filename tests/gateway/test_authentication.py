"""The revocations in a gateway process: ended sessions and ended access."""

import datetime as dt

import msgspec
import pytest

from gateway.authentication import REVOCATION_LOOKBACK, Authenticator
from services.access.access_parts import split_access
from services.chassis.auth.tokens import Verifier
from services.chassis.events import envelope
from services.chassis.ids import new_uuid
from services.chassis.problems import Unauthenticated
from services.contracts.declare import Event, event_type_of
from services.contracts.identity.events import Grant, OrganisationStated, SessionEnded
from services.contracts.identity.organisations import OrganisationKind
from services.contracts.permission import SubjectKind
from tests.gateway.stubs.identity import IdentityStub
from tests.gateway.stubs.samples import ORGANISATION, PARTNER, USER, partner_access
from tests.support.clock import TestClock


@pytest.fixture
def identity() -> IdentityStub:
    return IdentityStub()


@pytest.fixture
def access(identity: IdentityStub) -> Authenticator:
    clock = TestClock(dt.datetime.now(dt.UTC))

    async def keys() -> str:
        return identity.signer.public_keys()

    return Authenticator(Verifier(keys, clock), clock)


def record(event: Event, at: dt.datetime | None = None) -> envelope.RawRecord:
    kind = event_type_of(event)
    subject = getattr(event, kind.subject)
    at = at or dt.datetime.now(dt.UTC)
    headers = envelope.event_headers(new_uuid(), kind.name, "identity", subject, at, 1, "", subject, new_uuid())
    return envelope.raw_record("topic", 0, 0, int(at.timestamp() * 1000), None, msgspec.json.encode(event), headers)


async def test_an_ended_session_is_over_at_once(identity: IdentityStub, access: Authenticator) -> None:
    token = identity.token(USER, SubjectKind.USER, session="session_1")
    assert (await access.authenticate_token(token)).subject_id == USER
    access.apply(record(SessionEnded(session_id="session_1", subject_id=USER)))
    with pytest.raises(Unauthenticated):
        await access.authenticate_token(token)


async def test_the_highest_version_wins_in_any_order(identity: IdentityStub, access: Authenticator) -> None:
    token = identity.token(PARTNER, SubjectKind.PARTNER)
    access.apply(record(partner_access(None, version=3, active=False)))
    access.apply(record(partner_access(None, version=2)))
    with pytest.raises(Unauthenticated):
        await access.authenticate_token(token)
    access.apply(record(partner_access(None, version=4)))
    assert (await access.authenticate_token(token)).kind is SubjectKind.PARTNER


async def test_a_higher_version_leaves_the_token_valid(identity: IdentityStub, access: Authenticator) -> None:
    access.apply(record(partner_access(ORGANISATION, version=9)))
    await access.authenticate_token(identity.token(PARTNER, SubjectKind.PARTNER))
    assert (stated := access.recent_access(PARTNER)) is not None
    assert stated.version == 9


def test_access_in_parts_applies_when_it_is_complete(access: Authenticator) -> None:
    grants = [Grant(organisation_id=f"org_{number}") for number in range(12)]
    whole = msgspec.structs.replace(partner_access(None, version=2), grants=grants)
    parts = split_access(whole, 20)
    access.apply(record(partner_access(None, version=1)))
    access.changed.clear()
    for part in parts[:-1]:
        access.apply(record(part))
    assert (stated := access.recent_access(PARTNER)) is not None
    assert (stated.version, access.changed.is_set()) == (1, False)
    access.apply(record(parts[-1]))
    assert access.recent_access(PARTNER) == whole
    # Parts of an outdated version have no effect.
    late = split_access(msgspec.structs.replace(whole, version=1), 20)
    for part in late:
        access.apply(record(part))
    assert access.recent_access(PARTNER) == whole


def test_entries_older_than_any_token_are_evicted(access: Authenticator) -> None:
    now = dt.datetime.now(dt.UTC)
    access.apply(record(partner_access(None), now - REVOCATION_LOOKBACK - dt.timedelta(seconds=1)))
    assert access.recent_access(PARTNER) is not None
    access.apply(record(msgspec.structs.replace(partner_access(None), subject_id="partner_x"), now))
    assert access.recent_access(PARTNER) is None


def test_other_events_are_ignored(access: Authenticator) -> None:
    stated = OrganisationStated(
        organisation_id=ORGANISATION, customer_number="1", kind=OrganisationKind.BUSINESS, version=1
    )
    access.apply(record(stated))
    access.apply(envelope.raw_record("topic", 0, 0, 0, None, b"{", ()))
    known = record(stated)
    unknown = known.names.index("ce_type")
    values = (*known.values[:unknown], b"identity.new", *known.values[unknown + 1 :])
    access.apply(msgspec.structs.replace(known, values=values))
    assert not access.changed.is_set()


async def test_an_unknown_kind_of_subject_is_unauthenticated(identity: IdentityStub, access: Authenticator) -> None:
    claims = msgspec.structs.replace(identity.claims(USER, SubjectKind.USER), kind="ROBOT")
    with pytest.raises(Unauthenticated):
        await access.authenticate_token(identity.signer.sign(claims))
