"""The check of declared permissions before an operation runs."""

import datetime as dt
import uuid
from typing import Any, Protocol

import pytest

from services.access import copy
from services.access.authorization import Authorization, ThingOwner, check_permission
from services.access.caller import Caller, EffectivePermissions
from services.chassis.db.postgres import Pool
from services.chassis.ids import new_uuid, write_id
from services.chassis.problems import Forbidden
from services.chassis.rpc.signature import signatures
from services.contracts.declare import write
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.permission import PEOPLE, Permission, Role, SubjectKind, allow
from services.contracts.values import Refusal, SiteId, refuse
from services.orders.app import ORDERS
from tests.support.clock import TestClock
from tests.support.fixtures import MakeHarness

ORGANISATION, OTHER = (uuid.UUID(int=number << 64 | 7 << 76) for number in (1, 2))
SITE, OTHER_SITE, MISSING = (uuid.UUID(int=number << 64 | 7 << 76) for number in (3, 4, 5))
SITES = ThingOwner(
    f"SELECT '{ORGANISATION}'::uuid, id FROM unnest('{{{SITE},{OTHER_SITE}}}'::uuid[]) id WHERE id = $3", copied=True
)


class Contract(Protocol):
    @write(allow(SubjectKind.USER, SubjectKind.PARTNER, role=Role.EDITOR))
    async def change(self, site_id: SiteId) -> int | Refusal: ...


@pytest.fixture
async def pool(make_harness: MakeHarness[Any, Any]) -> Pool:
    return (await make_harness(ORDERS)).pool


async def check(pool: Pool, clock: TestClock, site: uuid.UUID | str, *grants: Grant, **of_caller: Any) -> Any:
    """Return the permissions on a site of a user with these grants, or the refusal."""
    caller = Caller(subject_id=write_id("user", new_uuid()), **{"kind": SubjectKind.USER, **of_caller})
    stated = AccessStated(
        subject_id=caller.subject_id, kind=SubjectKind.USER, version=1, active=True, scopes=[], grants=list(grants)
    )
    async with pool.acquire() as connection:
        await copy.upsert_access(connection, stated)
    authorization = Authorization(Contract, {"site": SITES}, pool, clock)
    operation = signatures(Contract)["change"]
    text = site if isinstance(site, str) else write_id("site", site)
    answer = await authorization.check_things(caller, operation, operation.arguments(site_id=text))
    return answer if isinstance(answer, Refusal) else answer.permissions


def grant(role: Role | None, *, organisation: uuid.UUID = ORGANISATION, **fields: Any) -> Grant:
    return Grant(organisation_id=write_id("org", organisation), role=role, **fields)


async def test_the_permissions_of_all_grants_count_together(pool: Pool, clock: TestClock) -> None:
    of_site = grant(Role.EDITOR, site_ids=[write_id("site", SITE)])
    of_organisation = grant(Role.VIEWER, billing=True)
    both = await check(pool, clock, SITE, of_site, of_organisation)
    assert both == EffectivePermissions(Role.EDITOR, billing=True)
    assert await check(pool, clock, OTHER_SITE, of_site, of_organisation) == refuse("FORBIDDEN")


async def test_a_role_includes_the_lesser_ones(pool: Pool, clock: TestClock) -> None:
    assert await check(pool, clock, SITE, grant(Role.ADMIN)) == EffectivePermissions(Role.ADMIN)
    assert await check(pool, clock, SITE, grant(Role.VIEWER)) == refuse("FORBIDDEN")


async def test_partners_have_no_role(pool: Pool, clock: TestClock) -> None:
    assert await check(pool, clock, SITE, grant(None), kind=SubjectKind.PARTNER) == EffectivePermissions()
    assert await check(pool, clock, SITE, kind=SubjectKind.PARTNER) == refuse("NOT_FOUND", "siteId")


async def test_what_is_out_of_reach_is_not_found(pool: Pool, clock: TestClock) -> None:
    yesterday = clock.today() - dt.timedelta(days=1)
    for grants in (
        [],
        [grant(Role.ADMIN, organisation=OTHER)],
        [grant(Role.ADMIN, until=yesterday)],
        [grant(Role.ADMIN, site_ids=[write_id("site", OTHER_SITE)])],
    ):
        assert await check(pool, clock, SITE, *grants) == refuse("NOT_FOUND", "siteId")


async def test_a_copied_thing_that_is_missing_may_be_on_its_way(pool: Pool, clock: TestClock) -> None:
    on_its_way = refuse("NOT_READY_YET", "siteId", retryable=True)
    assert await check(pool, clock, MISSING, grant(Role.ADMIN)) == on_its_way
    assert await check(pool, clock, MISSING, grant(Role.ADMIN, site_ids=[write_id("site", MISSING)])) == on_its_way
    assert await check(pool, clock, MISSING, grant(Role.ADMIN, site_ids=[])) == refuse("NOT_FOUND", "siteId")
    assert await check(pool, clock, "no id", grant(Role.ADMIN)) == refuse("NOT_FOUND", "siteId")


def test_a_thing_without_an_owner_is_refused_at_the_start(pool: Pool, clock: TestClock) -> None:
    with pytest.raises(TypeError, match="site"):
        Authorization(Contract, {}, pool, clock)


@pytest.mark.parametrize(
    ("caller", "permission", "permitted"),
    [
        (Caller(kind=SubjectKind.USER), PEOPLE, True),
        (Caller(), PEOPLE, False),
        (Caller(kind=SubjectKind.PARTNER, scopes=frozenset({"a"})), PEOPLE, False),
        (Caller(kind=SubjectKind.PARTNER, scopes=frozenset({"a"})), allow(SubjectKind.PARTNER, scope="a"), True),
        (Caller(kind=SubjectKind.PARTNER, scopes=frozenset({"a"})), allow(SubjectKind.PARTNER, scope="b"), False),
        (Caller(kind=SubjectKind.PARTNER), allow(SubjectKind.PARTNER), True),
        (Caller(kind=SubjectKind.SERVICE, service="support"), allow(services=("support",)), True),
        (Caller(kind=SubjectKind.SERVICE, service="sites"), allow(services=("support",)), False),
        (Caller(kind=SubjectKind.SERVICE, service="support"), allow(*SubjectKind), False),
    ],
)
def test_callers_of_a_permission(caller: Caller, permission: Permission, *, permitted: bool) -> None:
    if permitted:
        check_permission(caller, permission)
    else:
        with pytest.raises(Forbidden):
            check_permission(caller, permission)
