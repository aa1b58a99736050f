"""Look-ups: access, contacts, organisations, and the keys that verify tokens."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from starlette.requests import Request
from starlette.routing import Route

from services.access.authentication import CallerAuthenticator
from services.access.caller import Caller
from services.chassis.auth.tokens import Verifier
from services.chassis.ids import new_uuid, read_id, write_id
from services.chassis.problems import Forbidden, Unauthenticated
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.identity.partners import ClientToken
from services.contracts.identity.people import Contact, Language
from services.contracts.permission import Role, SubjectKind
from services.identity.app import IDENTITY
from tests.component.identity.actions import (
    KELTA,
    MIRJA,
    Harness,
    caller_of,
    customers,
    expect,
    partner,
    registered,
    service,
    signed_in,
    staff,
    token_for,
)
from tests.component.identity.mailbox import verify


async def mirja(harness: Harness) -> Caller:
    await customers(harness)
    await registered(harness)
    return await caller_of(harness, (await signed_in(harness)).access_token)


async def test_access_is_returned_to_services_alone(harness: Harness) -> None:
    caller = await mirja(harness)
    (stated,) = await harness.emitted_events(AccessStated)
    assert await harness.api(service()).access_of(caller.subject_id) == stated
    for may_not in (caller, await staff(harness), await harness.caller(kind=SubjectKind.PARTNER)):
        with pytest.raises(Forbidden):
            await harness.api(may_not).access_of(caller.subject_id)


async def test_access_of_a_partner_and_of_an_unknown_subject(harness: Harness) -> None:
    made = await partner(harness)
    (stated,) = await harness.emitted_events(AccessStated)
    api = harness.api(service())
    assert await api.access_of(made.partner.id) == stated
    for unknown_id in (write_id("user", new_uuid()), write_id("partner", new_uuid()), "service:support", ""):
        assert await api.access_of(unknown_id) is None


async def test_contacts_are_for_services_alone(harness: Harness) -> None:
    caller = await mirja(harness)
    await verify(harness, caller.subject_id)
    found = await harness.api(service()).contacts([write_id("user", new_uuid()), caller.subject_id, "user_x"])
    assert found == [
        None,
        Contact(
            user_id=caller.subject_id,
            username="mirja@example.com",
            email="mirja@example.com",
            language=Language.FI,
        ),
        None,
    ]
    for other in (caller, await staff(harness), await harness.caller(kind=SubjectKind.PARTNER)):
        with pytest.raises(Forbidden):
            await harness.api(other).contacts([caller.subject_id])


async def test_organisations_are_seen_by_those_who_reach_them(harness: Harness) -> None:
    caller = await mirja(harness)
    ids = {row["customer_number"]: row["id"] for row in await harness.pool.fetch("SELECT * FROM organisations")}
    wanted = [write_id("org", ids[KELTA]), write_id("org", ids[MIRJA])]

    async def names(who: Caller) -> list[str | None]:
        return [one.name if one else None for one in await harness.api(who).organisations_by_id(wanted)]

    assert await names(caller) == [None, "AS OY MIRJA"]
    assert await names(await staff(harness)) == ["Ärjylä Kelta", "AS OY MIRJA"]
    with pytest.raises(Forbidden):
        await names(service())


async def test_names_of_actors_are_seen_by_those_who_may(harness: Harness) -> None:
    member = await mirja(harness)
    mirjas = await harness.pool.fetchval("SELECT organisation_id FROM memberships")
    employee = await staff(harness)
    serving = await partner(harness, organisation_ids=[write_id("org", mirjas)])
    other = await partner(harness, idempotency_key="two")
    await harness.pool.execute(
        "INSERT INTO users VALUES"
        " ($1, 'Employee', 'employee', 'e@example.fi', 'fi', 'x', true, true, 1, NULL, NULL, now())",
        read_id("user", employee.subject_id),
    )
    ids = [member.subject_id, employee.subject_id, serving.partner.id, other.partner.id, "system", "user_x"]

    async def seen_by(caller: Caller) -> list[tuple[str, str | None] | None]:
        return [(type(one).__name__, one.name) if one else None for one in await harness.api(caller).actors(ids)]

    def expected(user: bool, employee: bool, serving: bool, other: bool) -> list[tuple[str, str | None] | None]:
        return [
            ("UserActor", "mirja@example.com" if user else None),
            ("StaffActor", "Employee" if employee else None),
            ("PartnerActor", "Routes Oy" if serving else None),
            ("PartnerActor", "Routes Oy" if other else None),
            None,
            None,
        ]

    assert await seen_by(employee) == expected(True, True, True, True)
    assert await seen_by(member) == expected(True, False, True, False)
    colleague = await harness.caller(Grant(organisation_id=write_id("org", mirjas), role=Role.VIEWER))
    assert await seen_by(colleague) == expected(True, False, True, False)
    assert await seen_by(await harness.caller()) == expected(False, False, False, False)
    by_partner = await harness.caller(Grant(organisation_id=write_id("org", mirjas)), kind=SubjectKind.PARTNER)
    assert await seen_by(by_partner) == expected(False, False, False, False)
    await harness.pool.execute("UPDATE memberships SET until = '2026-03-03'")
    assert await seen_by(colleague) == expected(False, False, True, False)


async def test_a_membership_that_is_over_is_not_shown(harness: Harness) -> None:
    caller = await mirja(harness)
    site = new_uuid()
    await harness.pool.execute("UPDATE memberships SET until = '2026-03-04', site_ids = ARRAY[$1::uuid]", site)
    me = await harness.api(caller).me()
    assert me is not None
    assert [(one.until, one.site_ids) for one in me.memberships] == [(dt.date(2026, 3, 4), [write_id("site", site)])]
    stated = await harness.api(service()).access_of(caller.subject_id)
    assert stated is not None
    assert stated.grants[0].site_ids == [write_id("site", site)]
    harness.clock.move(days=1)
    me = await harness.api(caller).me()
    assert me is not None
    assert me.memberships == []


async def test_me_is_null_for_partners_and_for_users_that_are_gone(harness: Harness) -> None:
    for caller in (await harness.caller(kind=SubjectKind.PARTNER), await harness.caller()):
        assert await harness.api(caller).me() is None


async def test_identity_authenticates_a_user_right_after_sign_in(harness: Harness) -> None:
    await customers(harness)
    user_id = await registered(harness)
    session = await signed_in(harness)
    caller = await authentication(harness).caller(request(session.access_token))
    assert (caller.subject_id, caller.kind, caller.access_version) == (user_id, SubjectKind.USER, 1)
    await harness.pool.execute("DELETE FROM access.subjects")
    caller = await authentication(harness).caller(request(session.access_token))
    assert caller.access_version == 1, "a lost copy is made again from identity's own tables"


async def test_a_revoked_partners_token_is_worth_nothing_at_once(harness: Harness) -> None:
    made = await partner(harness)
    token = expect(ClientToken, await token_for(harness, made.partner.client_id, made.client_secret)).access_token
    caller = await authentication(harness).caller(request(token))
    assert caller.scopes == {"orders:read", "pickups:report"}
    await harness.api(await staff(harness)).revoke_partner(made.partner.id, made.partner.version)
    with pytest.raises(Unauthenticated):
        await authentication(harness).caller(request(token))


async def test_the_keys_are_published_where_clients_look_for_them(harness: Harness) -> None:
    (route,) = IDENTITY.routes(runtime_of(harness), authentication(harness))
    assert isinstance(route, Route)
    assert route.path == "/.well-known/jwks.json"
    response = await route.endpoint(request(""))
    (key,) = msgspec.json.decode(response.body)["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "Ed25519", "sig")
    assert "d" not in key
    assert response.headers["content-type"] == "application/jwk-set+json"


async def test_a_service_answers_in_its_callers_own_language(harness: Harness) -> None:
    await customers(harness)
    await registered(harness)
    await harness.pool.execute("UPDATE users SET language = 'nb'")
    token = (await signed_in(harness)).access_token
    assert (await authentication(harness).caller(request(token))).language is Language.NB


def runtime_of(harness: Harness) -> Any:
    """Return the harness in the place of a process's ServiceRuntime."""
    return harness


def authentication(harness: Harness) -> CallerAuthenticator:
    """Return identity's authenticator, as its process has it."""
    verifier = Verifier(IDENTITY.public_keys(runtime_of(harness)), harness.clock)
    return CallerAuthenticator(verifier, harness.pool, IDENTITY.fetch_access(runtime_of(harness)))


def request(token: str) -> Request:
    """Return a request with a token."""
    headers = [(b"authorization", f"Bearer {token}".encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers, "client": ("192.0.2.1", 1)})
