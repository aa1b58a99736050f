"""The copy of access: parts are applied when complete, and the newest version wins."""

from typing import Any

import msgspec

from services.access.access_parts import split_access
from services.chassis.ids import new_uuid as new
from services.chassis.ids import write_id
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.permission import SubjectKind
from services.sites.app import SITES
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

SUBJECT = write_id("user", new())


def access(version: int, organisations: int) -> AccessStated:
    grants = [Grant(organisation_id=write_id("org", new())) for _ in range(organisations)]
    return AccessStated(
        subject_id=SUBJECT, kind=SubjectKind.USER, version=version, active=True, scopes=[], grants=grants
    )


async def read_copy(harness: ServiceHarness[Any, Any]) -> tuple[int, int, int]:
    """Return the applied version, the number of its grants, and that of waiting parts."""
    version = await harness.pool.fetchval("SELECT version FROM access.subjects WHERE subject_id = $1", SUBJECT)
    grants = await harness.pool.fetchval("SELECT count(*) FROM access.grants WHERE subject_id = $1", SUBJECT)
    return version or 0, grants, await harness.pool.fetchval("SELECT count(*) FROM access.stated_parts")


async def test_parts_are_applied_together_in_any_order(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SITES)
    await harness.receive(access(1, 2))
    first, second, third = split_access(access(2, 12), 20)
    await harness.receive(third, first, third)
    assert await read_copy(harness) == (1, 2, 2)
    await harness.receive(second)
    assert await read_copy(harness) == (2, 12, 0)


async def test_a_newer_version_replaces_incomplete_parts(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SITES)
    old = split_access(access(1, 12), 20)
    await harness.receive(*old[:2])
    await harness.receive(*split_access(access(2, 8), 20))
    assert await read_copy(harness) == (2, 8, 0)
    await harness.receive(old[2])
    assert await read_copy(harness) == (2, 8, 0)
    await harness.receive(access(3, 1))
    assert await read_copy(harness) == (3, 1, 0)


async def test_an_old_version_that_is_complete_late_is_ignored(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SITES)
    first, *others = split_access(access(1, 12), 20)
    await harness.receive(msgspec.structs.replace(access(2, 3), grants=[]))
    await harness.receive(first, *others)
    assert await read_copy(harness) == (2, 0, 0)
