"""Copies and figures of every service are the same for any order, repetition and batching of events."""

import random
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.access.access_parts import split_access
from services.chassis.ids import write_id
from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, event_type_of, is_stated
from services.contracts.identity.events import AccessStated, OrganisationStated, SessionEnded
from services.contracts.orders.events import PickupFacts
from services.contracts.orders.pickups import PickupState
from services.contracts.sites import ContainerStated, SiteStated
from services.contracts.stats import InvoiceStated
from services.identity.app import IDENTITY
from services.orders.app import ORDERS
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.contract.event_samples import newest_sample
from tests.support.fixtures import MakeHarness
from tests.support.hypothesis_profiles import max_examples
from tests.support.owner import execute_as_owner
from tests.support.service_harness import ServiceHarness

SERVICES = [IDENTITY, SITES, ORDERS, STATS, SUPPORT]
VERSIONS = (1, 2, 3)
_TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname IN ('public', 'access') AND tablename !~ 'yoyo'
"""

Harness = ServiceHarness[Any, Any]


def version_of(event: Event, version: int) -> Event:
    """Return a sample as another version of its entity."""
    if isinstance(event, SessionEnded):  # it has no versions: another session stands for another version
        return msgspec.structs.replace(event, session_id=f"{event.session_id}_{version}")
    if isinstance(event, AuditRecorded):  # nor do entries, which never change
        return msgspec.structs.replace(
            event, entry_id=write_id("audit", uuid.uuid5(uuid.NAMESPACE_OID, f"{type(event)}{version}"))
        )
    changed: dict[str, object] = {"version": version}
    match event:
        case AccessStated():
            changed["active"] = version % 2 == 1
            changed["grants"] = event.grants * (version % 3)
        case OrganisationStated():
            changed["customer_number"] = f"62-000000{version}-00"
        case SiteStated():
            changed["site_number"] = f"100{version}"
        case ContainerStated():
            changed["litres"] = version * 100
        case PickupFacts():
            changed["grams"] = version * 1000
            changed["state"] = [PickupState.EMPTIED, PickupState.FAILED][version % 2]
        case InvoiceStated():
            changed["invoice_number"] = f"196285{version}"
    assert len(changed) > 1, f"say what a version of {type(event).__name__} changes"
    return msgspec.structs.replace(event, **changed)


def is_copied(struct: type[Event]) -> bool:
    """Return whether rows follow from an event in any order. Messages and tickets follow from events in their order."""
    name = event_type_of(struct).name
    return is_stated(name) or issubclass(struct, AuditRecorded | SessionEnded | PickupFacts)


def handled_events(harness: Harness) -> list[Event]:
    """Return versions of every sample that a service subscribes to, in order."""
    base: Any = harness
    events: list[Event] = []
    for struct in filter(is_copied, harness.blueprint.handlers(base)):
        sample = msgspec.json.decode(newest_sample(event_type_of(struct)).read_bytes(), type=struct)
        # Two events of one entity share its versions: no two differ under one version.
        versions = [n * 2 for n in VERSIONS] if struct.__name__ == "PickupStated" else [n * 2 - 1 for n in VERSIONS]
        stated = [version_of(sample, version) for version in versions]
        events += [
            part for one in stated for part in (split_access(one, 5) if isinstance(one, AccessStated) else [one])
        ]
    return events


async def clear(harness: Harness) -> None:
    tables = [row[0] for row in await harness.pool.fetch(_TABLES)]
    await execute_as_owner(harness.pool, f"TRUNCATE {', '.join(tables)} CASCADE")


async def read_tables(harness: Harness) -> dict[str, list[str]]:
    """Return all rows of all tables except the chassis', without the time and the transaction of writing."""
    return {
        row[0]: sorted(
            one[0]
            for one in await harness.pool.fetch(
                f"SELECT (to_jsonb(t) - 'kept_since' - 'changed_in')::text FROM {row[0]} AS t"
            )
        )
        for row in await harness.pool.fetch(_TABLES)
    }


async def receive_in_batches(harness: Harness, events: Sequence[Event], at_once: int) -> dict[str, list[str]]:
    await clear(harness)
    for start in range(0, len(events), at_once):
        await harness.receive_batch(*events[start : start + at_once])
    return await read_tables(harness)


@pytest.fixture(params=SERVICES, ids=lambda service: service.name)
async def harness(request: pytest.FixtureRequest, make_harness: MakeHarness[Any, Any]) -> Harness:
    return await make_harness(request.param)


@settings(max_examples=max_examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), at_once=st.integers(1, 7))
async def test_shuffled_and_repeated_events_have_the_result_of_ordered_ones(
    harness: Harness, seed: int, at_once: int
) -> None:
    events = handled_events(harness)
    in_order = await receive_in_batches(harness, events, 1)
    assert any(in_order.values())
    shuffled = events * 2
    random.Random(seed).shuffle(shuffled)
    assert await receive_in_batches(harness, shuffled, at_once) == in_order
