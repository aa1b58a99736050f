"""A copy accepts only higher versions: the newest stays, for versions in any order and repeated."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.events.copies import rebuild
from services.chassis.events.copies.rebuild import Copy
from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.declare import Event, event_type_of
from services.contracts.identity.events import AccessStated, Grant, OrganisationStated
from services.contracts.identity.organisations import OrganisationKind
from services.contracts.orders.events import PickupStated
from services.contracts.orders.pickups import PickupState
from services.contracts.permission import Role, SubjectKind
from services.contracts.sites import ContainerStated, Fraction, PropertyType, SiteStated
from services.contracts.stats import InvoiceStated
from services.identity.app import IDENTITY
from services.orders.app import ORDERS
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.support.fixtures import MakeHarness
from tests.support.hypothesis_profiles import max_examples
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[Any, Any]


def an_id(prefix: str) -> str:
    return write_id(prefix, new_uuid())


def access(subject: str, version: int) -> AccessStated:
    grants = [Grant(organisation_id=an_id("org"), role=Role.EDITOR) for _ in range(version % 3)]
    return AccessStated(
        subject_id=subject, kind=SubjectKind.USER, version=version, active=True, scopes=[f"v{version}"], grants=grants
    )


def organisation(thing: str, version: int) -> OrganisationStated:
    return OrganisationStated(
        organisation_id=thing, customer_number=f"62-{version}", kind=OrganisationKind.BUSINESS, version=version
    )


def site(thing: str, version: int) -> SiteStated:
    return SiteStated(
        site_id=thing,
        organisation_id=an_id("org"),
        site_number=str(version),
        municipality=f"M{version}",
        area=f"A{version}",
        property_type=list(PropertyType)[version % 4],
        dwellings=version,
        version=version,
    )


def container(thing: str, version: int) -> ContainerStated:
    return ContainerStated(
        container_id=thing,
        container_number=f"C{version}",
        site_id=an_id("site"),
        organisation_id=an_id("org"),
        fraction=list(Fraction)[version % 5],
        litres=version,
        count=version,
        version=version,
    )


def invoice(thing: str, version: int) -> InvoiceStated:
    return InvoiceStated(
        invoice_id=thing,
        organisation_id=an_id("org"),
        customer_number=f"62-{version}",
        invoice_number=str(version),
        invoice_date=dt.date(2026, 1, version),
        version=version,
    )


def pickup(thing: str, version: int) -> PickupStated:
    return PickupStated(
        pickup_id=thing,
        organisation_id=an_id("org"),
        site_id=an_id("site"),
        agreement_id=an_id("agreement"),
        order_id=None,
        article_id=an_id("article"),
        fraction=Fraction.RESIDUAL,
        date=dt.date(2026, 3, version),
        state=PickupState.EMPTIED,
        done_at=dt.datetime(2026, 3, version, 7, tzinfo=dt.UTC),
        grams=version,
        version=version,
    )


EVENT_FACTORIES: dict[type[Event], tuple[str, Callable[[str, int], Event]]] = {
    AccessStated: ("user", access),
    OrganisationStated: ("org", organisation),
    SiteStated: ("site", site),
    ContainerStated: ("container", container),
    InvoiceStated: ("invoice", invoice),
    PickupStated: ("pickup", pickup),
}
# Identity updates its own copy of access with the change itself, and subscribes to no event of it.
COPIES = [
    (blueprint, copy)
    for blueprint in (IDENTITY, SITES, ORDERS, STATS, SUPPORT)
    for copy in blueprint.copies
    if copy.owner != blueprint.name
]
NAMES = [f"{blueprint.name}-{event_type_of(copy.event).name}" for blueprint, copy in COPIES]


async def read_copy(harness: Harness, copy: Copy, thing: str) -> list[tuple[Any, ...]]:
    """Return the entity's row and the rows that belong to it, without the transactions that changed them."""
    key = thing if copy.key == "subject_id" else read_id(thing.split("_", maxsplit=1)[0], thing)
    rows = await harness.pool.fetch(f"SELECT * FROM {copy.table} WHERE {copy.key} = $1", key)
    if copy.event is AccessStated:
        rows += await harness.pool.fetch(
            "SELECT * FROM access.grants WHERE subject_id = $1 ORDER BY organisation_id", key
        )
    if copy.event is PickupStated:
        rows += await harness.pool.fetch("SELECT * FROM volumes WHERE pickups <> 0 ORDER BY organisation_id")
    return [tuple(value for name, value in row.items() if name != "changed_in") for row in rows]


async def clear(harness: Harness, copy: Copy) -> None:
    await harness.pool.execute(f"DELETE FROM {copy.table}")
    if copy.event is PickupStated:
        await harness.pool.execute("DELETE FROM volumes")


class CopyCase(msgspec.Struct):
    """A service, one of its copies, and an entity."""

    harness: Harness
    copy: Copy
    thing: str
    make: Callable[[str, int], Event]

    def version(self, number: int) -> Event:
        return self.make(self.thing, number)

    async def kept(self) -> list[tuple[Any, ...]]:
        return await read_copy(self.harness, self.copy, self.thing)


@pytest.fixture(params=COPIES, ids=NAMES)
async def case(request: pytest.FixtureRequest, make_harness: MakeHarness[Any, Any]) -> CopyCase:
    blueprint, copy = request.param
    prefix, make = EVENT_FACTORIES[copy.event]
    return CopyCase(await make_harness(blueprint), copy, an_id(prefix), make)


@settings(max_examples=max_examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(1, 5), min_size=1, max_size=10))
async def test_the_newest_version_stays_in_any_order(case: CopyCase, order: Sequence[int]) -> None:
    versions = {number: case.version(number) for number in set(order)}
    await clear(case.harness, case.copy)
    await case.harness.receive(versions[max(order)])
    expected = await case.kept()
    await clear(case.harness, case.copy)
    await case.harness.receive(*(versions[number] for number in order))
    assert await case.kept() == expected


async def test_a_version_that_is_not_higher_changes_nothing_unless_the_row_is_stale(case: CopyCase) -> None:
    await case.harness.receive(case.version(2))
    before = await case.kept()
    await case.harness.receive(case.version(1), case.version(2))
    assert await case.kept() == before

    async with case.harness.pool.acquire() as connection:
        await rebuild.mark_stale(connection, [case.copy])
    doubted = await case.kept()
    assert [row[:-1] for row in doubted] == [row[:-1] for row in before], "a stale row stays readable"
    truth = case.version(1)
    await case.harness.receive(truth, case.version(1))
    now = await case.kept()
    assert now != before
    await clear(case.harness, case.copy)
    await case.harness.receive(truth)
    assert await case.kept() == now


async def test_a_placeholder_never_replaces_a_stated_site(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(ORDERS)
    known = site(an_id("site"), 3)
    await harness.receive(known)
    (copy,) = [one for one in ORDERS.copies if one.event is SiteStated]
    async with harness.pool.acquire() as connection:
        await rebuild.mark_stale(connection, [copy])
    before = await read_copy(harness, copy, known.site_id)
    await harness.receive(msgspec.structs.replace(container(an_id("container"), 1), site_id=known.site_id))
    assert await read_copy(harness, copy, known.site_id) == before
