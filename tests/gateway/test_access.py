"""What a gateway process remembers of sessions and access that ended."""

import datetime as dt

import msgspec
import pytest

from gateway.access import BACK, Access
from services.access.stated_parts import split_access
from services.chassis import envelope
from services.chassis.ids import new_uuid
from services.chassis.problems import Unauthenticated
from services.chassis.tokens import Verifier
from services.contracts.declare import Event, event_type_of
from services.contracts.identity import Grant, OrganisationKind, OrganisationStated, SessionEnded, SubjectKind
from tests.gateway.actors.identity import IdentityActor
from tests.gateway.actors.samples import ORGANISATION, PARTNER, USER, partner_access
from tests.support.clock import TestClock


@pytest.fixture
def identity() -> IdentityActor:
    return IdentityActor()


@pytest.fixture
def access(identity: IdentityActor) -> Access:
    clock = TestClock(dt.datetime.now(dt.UTC))

    async def keys() -> str:
        return identity.signer.public_keys()

    return Access(Verifier(keys, clock), clock)


def record(event: Event, at: dt.datetime | None = None) -> envelope.Raw:
    kind = event_type_of(event)
    subject = getattr(event, kind.subject)
    at = at or dt.datetime.now(dt.UTC)
    headers = envelope.headers(new_uuid(), kind.name, "identity", subject, at, 1, "", subject, new_uuid())
    return envelope.raw("topic", 0, 0, int(at.timestamp() * 1000), None, msgspec.json.encode(event), headers)


async def test_an_ended_session_is_over_at_once(identity: IdentityActor, access: Access) -> None:
    token = identity.token(USER, SubjectKind.USER, session="session_1")
    assert (await access.caller(token)).subject_id == USER
    access.take(record(SessionEnded(session_id="session_1", subject_id=USER)))
    with pytest.raises(Unauthenticated):
        await access.caller(token)


async def test_the_newest_version_counts_whatever_comes_last(identity: IdentityActor, access: Access) -> None:
    token = identity.token(PARTNER, SubjectKind.PARTNER)
    access.take(record(partner_access(None, version=3, active=False)))
    access.take(record(partner_access(None, version=2)))
    with pytest.raises(Unauthenticated):
        await access.caller(token)
    access.take(record(partner_access(None, version=4)))
    assert (await access.caller(token)).kind is SubjectKind.PARTNER


async def test_a_higher_version_leaves_the_token_valid(identity: IdentityActor, access: Access) -> None:
    access.take(record(partner_access(ORGANISATION, version=9)))
    await access.caller(identity.token(PARTNER, SubjectKind.PARTNER))
    assert (stated := access.stated(PARTNER)) is not None
    assert stated.version == 9


def test_access_in_parts_counts_when_it_is_complete(access: Access) -> None:
    grants = [Grant(organisation_id=f"org_{number}") for number in range(12)]
    whole = msgspec.structs.replace(partner_access(None, version=2), grants=grants)
    parts = split_access(whole, 20)
    access.take(record(partner_access(None, version=1)))
    access.changed.clear()
    for part in parts[:-1]:
        access.take(record(part))
    assert (stated := access.stated(PARTNER)) is not None
    assert (stated.version, access.changed.is_set()) == (1, False)
    access.take(record(parts[-1]))
    assert access.stated(PARTNER) == whole
    # Parts of a version that was overtaken stay without effect.
    late = split_access(msgspec.structs.replace(whole, version=1), 20)
    for part in late:
        access.take(record(part))
    assert access.stated(PARTNER) == whole


def test_what_no_token_can_be_as_old_as_is_forgotten(access: Access) -> None:
    now = dt.datetime.now(dt.UTC)
    access.take(record(partner_access(None), now - BACK - dt.timedelta(seconds=1)))
    assert access.stated(PARTNER) is not None
    access.take(record(msgspec.structs.replace(partner_access(None), subject_id="partner_x"), now))
    assert access.stated(PARTNER) is None


def test_other_events_are_none_of_its_business(access: Access) -> None:
    stated = OrganisationStated(
        organisation_id=ORGANISATION, customer_number="1", kind=OrganisationKind.BUSINESS, version=1
    )
    access.take(record(stated))
    access.take(envelope.raw("topic", 0, 0, 0, None, b"{", ()))
    known = record(stated)
    unknown = known.names.index("ce_type")
    values = (*known.values[:unknown], b"identity.new", *known.values[unknown + 1 :])
    access.take(msgspec.structs.replace(known, values=values))
    assert not access.changed.is_set()


async def test_a_kind_of_subject_that_is_unknown_is_nobody(identity: IdentityActor, access: Access) -> None:
    claims = msgspec.structs.replace(identity.claims(USER, SubjectKind.USER), kind="ROBOT")
    with pytest.raises(Unauthenticated):
        await access.caller(identity.signer.sign(claims))
