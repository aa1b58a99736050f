"""The audit entries of all services in one table of identity: announced with each entry, collected once."""

from typing import Any

import msgspec
import pytest

from services.chassis.audit.entry import AuditEntry, PersonalFields
from services.chassis.events.copies.announcement import AUDIT_ANNOUNCEMENT, announce
from services.chassis.events.transaction import Transaction
from services.chassis.ids import new_uuid, write_id
from services.contracts.audit import AuditOutcome, AuditRecorded
from services.contracts.declare import event_type_of
from services.hosting.blueprint import Blueprint
from services.identity.app import IDENTITY
from services.orders.app import ORDERS
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.contract.event_samples import newest_sample
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[Any, Any]

SERVICES: list[Blueprint[Any, Any]] = [IDENTITY, SITES, ORDERS, STATS, SUPPORT]
USER, ORGANISATION = write_id("user", new_uuid()), write_id("org", new_uuid())
_ENTRIES = """
    SELECT id, at, actor, acting_for, action, subject, organisation_id, outcome FROM {} ORDER BY id
"""


def audit_event(blueprint: Blueprint[Any, Any]) -> type[AuditRecorded]:
    transaction = blueprint.transaction
    assert isinstance(transaction, type)
    assert issubclass(transaction, Transaction)
    assert transaction.audit_event is not None
    return transaction.audit_event


def refused(subject: str) -> AuditEntry:
    return AuditEntry(
        actor=USER,
        acting_for=ORGANISATION,
        action="CODE_READ",
        subject=subject,
        organisation_id=ORGANISATION,
        outcome=AuditOutcome.REFUSED,
        personal=PersonalFields(person_id=USER, fields={"address": "192.0.2.1"}),
    )


async def entries_of(harness: Harness, table: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await harness.pool.fetch(_ENTRIES.format(table))]


@pytest.mark.parametrize("blueprint", SERVICES, ids=lambda one: one.name)
def test_identity_collects_the_entries_of_every_service(blueprint: Blueprint[Any, Any]) -> None:
    declared = event_type_of(audit_event(blueprint))
    runtime: Any = None
    assert (declared.name, declared.public) == (f"{blueprint.name}.audit.recorded", False)
    assert declared.struct in IDENTITY.handlers(runtime)
    assert blueprint.name in IDENTITY.subscribes_to


async def test_an_entry_and_its_event_without_personal_fields_are_one_transaction(
    make_harness: MakeHarness[Any, Any],
) -> None:
    sites, identity = await make_harness(SITES), await make_harness(IDENTITY)
    async with sites.work() as tx:
        tx.audit(refused("site_1"))
        tx.audit(AuditEntry(actor="host", action="CODE_READ", subject="site_2"))

        async def read() -> None:
            tx.audit(refused("site_3"))

        await tx.try_out(read)
    with pytest.raises(RuntimeError):
        async with sites.work() as tx:
            tx.audit(refused("site_4"))
            raise RuntimeError

    emitted = await sites.emitted_events()
    assert all(isinstance(event, audit_event(SITES)) for event in emitted)
    assert [(event.subject_id, event.at) for event in emitted] == [("site_1", tx.now), ("site_2", tx.now)]
    assert await sites.pool.fetchval("SELECT count(*) FROM chassis.outbox WHERE data LIKE '%192.0.2%'::bytea") == 0
    for _ in range(2):
        await identity.receive_batch(*emitted)
        await identity.receive(*reversed(emitted))
    assert await entries_of(identity, "collected_audit") == await entries_of(sites, "chassis.audit")
    assert {row[0] for row in await identity.pool.fetch("SELECT service FROM collected_audit")} == {"sites"}


async def test_an_audit_log_is_announced_again_as_it_was(make_harness: MakeHarness[Any, Any]) -> None:
    support = await make_harness(SUPPORT)
    for number in range(3):
        async with support.work() as tx:
            tx.audit(refused(f"ticket_{number}"))
    before = await support.emitted_events()
    assert [count async for count in announce(support.work, AUDIT_ANNOUNCEMENT, 2)] == [2, 1]
    assert await support.emitted_events() == [*before, *before]


async def test_entries_of_several_services_are_collected_in_one_batch(make_harness: MakeHarness[Any, Any]) -> None:
    identity = await make_harness(IDENTITY)
    samples = [
        msgspec.json.decode(newest_sample(event_type_of(kind)).read_bytes(), type=kind)
        for kind in map(audit_event, SERVICES)
    ]
    await identity.receive_batch(*samples)
    rows = await identity.pool.fetch("SELECT service, action FROM collected_audit")
    assert {tuple(row) for row in rows} == {(event_type_of(sample).service, sample.action) for sample in samples}
