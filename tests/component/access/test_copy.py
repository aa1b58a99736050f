"""A service's copy of access: what is stated in parts takes effect when it is complete, and the newest wins."""

from typing import Any

import msgspec

from services.access.access_parts import split_access
from services.chassis.ids import new_uuid as new
from services.chassis.ids import write_id
from services.contracts.identity import AccessStated, Grant, SubjectKind
from services.sites.app import SITES
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

SUBJECT = write_id("user", new())


def access(version: int, organisations: int) -> AccessStated:
    grants = [Grant(organisation_id=write_id("org", new())) for _ in range(organisations)]
    return AccessStated(
        subject_id=SUBJECT, kind=SubjectKind.USER, version=version, active=True, scopes=[], grants=grants
    )


async def read_copy(bench: ServiceHarness[Any, Any]) -> tuple[int, int, int]:
    """The version that is in effect, its grants, and the parts that wait."""
    version = await bench.pool.fetchval("SELECT version FROM access.subjects WHERE subject_id = $1", SUBJECT)
    grants = await bench.pool.fetchval("SELECT count(*) FROM access.grants WHERE subject_id = $1", SUBJECT)
    return version or 0, grants, await bench.pool.fetchval("SELECT count(*) FROM access.stated_parts")


async def test_parts_take_effect_together_in_whatever_order_they_come(make_harness: MakeHarness[Any, Any]) -> None:
    bench = await make_harness(SITES)
    await bench.receive(access(1, 2))
    first, second, third = split_access(access(2, 12), 20)
    await bench.receive(third, first, third)
    assert await read_copy(bench) == (1, 2, 2)
    await bench.receive(second)
    assert await read_copy(bench) == (2, 12, 0)


async def test_a_newer_version_overtakes_one_that_is_not_complete(make_harness: MakeHarness[Any, Any]) -> None:
    bench = await make_harness(SITES)
    old = split_access(access(1, 12), 20)
    await bench.receive(*old[:2])
    await bench.receive(*split_access(access(2, 8), 20))
    assert await read_copy(bench) == (2, 8, 0)
    await bench.receive(old[2])
    assert await read_copy(bench) == (2, 8, 0)
    await bench.receive(access(3, 1))
    assert await read_copy(bench) == (3, 1, 0)


async def test_an_old_version_that_is_complete_late_replaces_nothing(make_harness: MakeHarness[Any, Any]) -> None:
    bench = await make_harness(SITES)
    first, *others = split_access(access(1, 12), 20)
    await bench.receive(msgspec.structs.replace(access(2, 3), grants=[]))
    await bench.receive(first, *others)
    assert await read_copy(bench) == (2, 0, 0)
