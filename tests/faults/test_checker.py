"""Tests of the checker: no findings in a correct snapshot, and each planted error is found."""

import copy
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from tests.faults.checker import (
    COMPLETED_TIMELINE,
    CopyRows,
    DeadLetterRow,
    OrderSnapshot,
    OutboxRow,
    PickupSnapshot,
    Snapshot,
    Tolerance,
    TopicRecord,
    check_snapshot,
    differences,
)
from tests.faults.record import AcknowledgedForm, AcknowledgedOrder, AcknowledgedReport, CommandRecord
from tests.faults.snapshot import take_snapshot
from tests.faults.subscribers import ReceivedEvent, SubscriberLog, Subscription
from tests.faults.trial import Trial
from tests.support.polling import until

GENERATION = "00000000-0000-0000-0000-00000000000a"
AT = dt.datetime(2026, 3, 4, 8, tzinfo=dt.UTC)
EVENTS = [
    ("orders.order.placed", 1),
    ("orders.order.moved", 2),
    ("orders.order.moved", 3),
    ("orders.pickup.recorded", 1),
    ("orders.order.moved", 4),
]


@pytest.fixture
def record(tmp_path: Path) -> CommandRecord:
    record = CommandRecord(tmp_path / "record")
    for number in range(3):
        record.add_order(
            AcknowledgedOrder(f"k{number}", f"order_{number}", "site_1", "agreement_1", f"2026-03-0{number + 1}")
        )
        record.add_report(AcknowledgedReport(f"r{number}", f"order_{number}", AT, 100 + number))
        record.add_form(AcknowledgedForm(f"k{number}", f"ticket_{number}", "site_1"))
    return record


@pytest.fixture
def snapshot() -> Snapshot:
    """Three orders, each placed, confirmed, scheduled, emptied and completed, with all effects."""
    log = [
        OutboxRow(5 * order + place + 1, f"event_{order}_{place}", name, f"order_{order}", 0, True, version, "site_1",
               f"order_{order}")
        for order in range(3)
        for place, (name, version) in enumerate(EVENTS)
    ]  # fmt: skip
    pickups = [PickupSnapshot(f"order_{order}", "EMPTIED", 100 + order, 1) for order in range(3)]
    topic = [TopicRecord(0, at, row.event_id, row.sequence, GENERATION) for at, row in enumerate(log)]
    return Snapshot(
        logs={"orders": log},
        generations={"orders": GENERATION},
        topics={"orders": topic},
        partners_topics={"orders": list(topic)},
        inboxes={("stats", "orders"): ({row.event_id for row in log}, {row.event_id for row in log})},
        dead_letters=[],
        orders=[
            OrderSnapshot(f"order_{order}", "agreement_1", f"2026-03-0{order + 1}", COMPLETED_TIMELINE)
            for order in range(3)
        ],
        pickups=pickups,
        facts=list(pickups),
        volumes={("org", "day"): (303, 3)},
        volumes_of_facts={("org", "day"): (303, 3)},
        tickets=[f"ticket_{order}" for order in range(3)],
        written_mails=[f"<{order}>" for order in range(3)],
        delivered_mails=[f"<{order}>" for order in range(3)],
        copies=[CopyRows("stats.pickups", [("1", 1), ("2", 1)], [("2", 1), ("1", 1)])],
        subscribers=[
            SubscriberLog(
                {},
                [Subscription(GENERATION, 0, [ReceivedEvent(row.sequence or 0, row.event_id, "") for row in log])],
                1,
                0,
                [],
            )
        ],
    )


def test_a_correct_snapshot_has_no_findings(record: CommandRecord, snapshot: Snapshot) -> None:
    assert check_snapshot(record, snapshot, Tolerance()) == []


def received_events(snapshot: Snapshot) -> list[ReceivedEvent]:
    return snapshot.subscribers[0].subscriptions[0].events


def swap(things: list[Any], a: int, b: int) -> None:
    things[a], things[b] = things[b], things[a]


def swapped_versions(snapshot: Snapshot) -> None:
    """Swap the versions of two events of one order in the log."""
    log = snapshot.logs["orders"]
    first, second = log[1], log[2]
    log[1] = msgspec.structs.replace(first, version=second.version)
    log[2] = msgspec.structs.replace(second, version=first.version)


PLANTED_ERRORS: dict[str, tuple[Callable[[Snapshot], object], str]] = {
    "lost in the log": (lambda p: p.logs["orders"].pop(7), "wrong steps from number to number"),
    "doubled in the log": (lambda p: p.logs["orders"].insert(7, p.logs["orders"][6]), "wrong events"),
    "swapped in the log": (swapped_versions, "wrong events"),
    "not numbered": (
        lambda p: p.logs["orders"].append(msgspec.structs.replace(p.logs["orders"][0], sequence=None, event_id="x")),
        "1 events have no number",
    ),
    "lost on the topic": (lambda p: p.topics["orders"].pop(7), "partition 0: 1 lost"),
    "swapped on the topic": (lambda p: swap(p.topics["orders"], 7, 8), "partition 0: 1 swapped"),
    "foreign on the topic": (
        lambda p: p.topics["orders"].append(TopicRecord(0, 99, "unknown", 16, GENERATION)),
        "1 unexpected events",
    ),
    "another number on the topic": (
        lambda p: p.topics["orders"].append(TopicRecord(0, 99, "event_0_0", 7, GENERATION)),
        "1 records with another number",
    ),
    "lost on the partners' topic": (lambda p: p.partners_topics["orders"].pop(7), "for partners, partition 0: 1 lost"),
    "not public, on the partners' topic": (
        lambda p: p.logs["orders"].__setitem__(7, msgspec.structs.replace(p.logs["orders"][7], public=False)),
        "for partners: 1 unexpected events",
    ),
    "lost by a subscriber": (lambda p: received_events(p).pop(7), "subscriber 0 {}: 1 lost"),
    "doubled at a subscriber": (
        lambda p: received_events(p).insert(7, received_events(p)[3]),
        "subscriber 0 {}: 1 doubled",
    ),
    "swapped at a subscriber": (lambda p: swap(received_events(p), 7, 8), "subscriber 0 {}: 1 swapped"),
    "invented at a subscriber": (
        lambda p: received_events(p).append(ReceivedEvent(16, "x", "")),
        "subscriber 0 {}: 1 unexpected",
    ),
    "a cursor that expired": (lambda p: setattr(p.subscribers[0], "expired", 1), "its cursor expired"),
    "a fact lost": (lambda p: p.facts.pop(), "stats' facts: 1 lost"),
    "a fact doubled": (lambda p: p.facts.append(p.facts[0]), "stats' facts: 1 doubled"),
    "a fact of an older report": (
        lambda p: p.facts.__setitem__(0, PickupSnapshot("order_0", "EMPTIED", 99, 1)),
        "stats' facts: 1 lost",
    ),
    "counted twice": (lambda p: p.volumes.update({("org", "day"): (404, 4)}), "volumes: 1 places differ"),
    "not counted": (lambda p: p.volumes.clear(), "volumes: 1 places differ"),
    "an order lost": (lambda p: p.orders.pop(), "orders: 1 lost"),
    "an order doubled": (lambda p: p.orders.append(p.orders[0]), "orders: 1 doubled"),
    "an unexpected order": (
        lambda p: p.orders.append(OrderSnapshot("order_9", "agreement_1", "2026-03-09", COMPLETED_TIMELINE[:-1])),
        "orders: 1 unexpected",
    ),
    "a step twice": (
        lambda p: p.orders.__setitem__(
            0, msgspec.structs.replace(p.orders[0], timeline=(*COMPLETED_TIMELINE, "COMPLETED"))
        ),
        "orders: 1 with a wrong timeline",
    ),
    "a ticket lost": (lambda p: p.tickets.pop(), "tickets: 1 lost"),
    "a ticket doubled": (lambda p: p.tickets.append("ticket_9"), "tickets: 1 unexpected"),
    "a mail lost": (lambda p: p.delivered_mails.pop(), "mail: 1 lost"),
    "a mail twice": (lambda p: p.delivered_mails.append("<0>"), "mail: 1 came again, 0 could have"),
    "a second letter": (lambda p: p.written_mails.append("<9>"), "mail: 4 written for 3 contact forms"),
    "missing in an inbox": (lambda p: p.inboxes["stats", "orders"][0].pop(), "stats's inbox lacks 1 events of orders"),
    "too much in an inbox": (
        lambda p: p.inboxes["stats", "orders"][0].add("unknown"),
        "stats's inbox has 1 unexpected events",
    ),
    "a dead letter": (
        lambda p: p.dead_letters.append(DeadLetterRow("stats", "FAILED", "x", "")),
        "dead letters: 1, planted were 0",
    ),
    "a copy that is behind": (
        lambda p: p.copies.append(CopyRows("c", [("1", 2)], [("1", 1)])),
        "c: 1 rows of the owner are not so in the copy",
    ),
    "a copy that has more": (
        lambda p: p.copies.append(CopyRows("c", [], [("1", 1)])),
        "c: 1 rows of the copy are not so at the owner",
    ),
}


@pytest.mark.parametrize("error", PLANTED_ERRORS)
def test_each_error_is_found(record: CommandRecord, snapshot: Snapshot, error: str) -> None:
    plant, expected = PLANTED_ERRORS[error]
    changed = copy.deepcopy(snapshot)
    plant(changed)
    findings = check_snapshot(record, changed, Tolerance())
    assert any(expected in item for item in findings), findings


def test_tolerated_deviations_are_no_findings(record: CommandRecord, snapshot: Snapshot) -> None:
    snapshot.delivered_mails.append("<0>")
    snapshot.dead_letters.append(DeadLetterRow("stats", "PARKED", "planted", "unknown type"))
    assert check_snapshot(record, snapshot, Tolerance(dead_letters=1, mail_repeats=1)) == []


def test_repeats_on_the_topic_are_left_out_before_the_order_is_judged(
    record: CommandRecord, snapshot: Snapshot
) -> None:
    snapshot.topics["orders"] += snapshot.topics["orders"][:9]
    assert check_snapshot(record, snapshot, Tolerance()) == []


def test_differences_are_named() -> None:
    assert differences("x", [1, 2, 3], [1, 2, 3]) == []
    assert differences("x", [1, 2, 3], [1, 3]) == ["x: 1 lost: 2"]
    assert differences("x", [1, 2, 3], [1, 2, 2, 3]) == ["x: 1 doubled: 2"]
    assert differences("x", [1, 2, 3], [1, 3, 2]) == ["x: 1 swapped: 2"]
    assert differences("x", [1, 2], [1, 2, 9]) == ["x: 1 unexpected: 9"]


NEWEST = "grams > 0 AND day = (SELECT max(day) FROM volumes)"


@pytest.mark.timeout(600)
async def test_errors_are_found_in_real_databases(trial: Trial) -> None:
    """A lost fact, a doubled volume and swapped numbers are planted, found, and reverted."""
    async with trial.under_load("nothing"):
        pass
    fault_stack = trial.fault_stack
    tolerance = Tolerance(fault_stack.expected_dead_letters, fault_stack.allowed_mail_repeats, fault_stack.restored)

    trial.passed = False

    async def findings() -> list[str]:
        return check_snapshot(fault_stack.record, await take_snapshot(fault_stack, trial.subscriber_logs), tolerance)

    assert await until(findings, lambda found: not found) == []
    async with fault_stack.databases() as databases:
        stats, orders = databases["stats"], databases["orders"]
        await stats.execute("CREATE TABLE lost AS SELECT * FROM pickups WHERE order_id IS NOT NULL LIMIT 1")
        await stats.execute("DELETE FROM pickups USING lost WHERE pickups.id = lost.id")
        assert any("stats' facts: 1 lost" in one for one in await findings())
        await stats.execute("INSERT INTO pickups SELECT * FROM lost")
        await stats.execute("DROP TABLE lost")

        await stats.execute(
            "UPDATE volumes SET grams = grams * 2 WHERE grams > 0 AND day = (SELECT max(day) FROM volumes)"
        )
        assert any("volumes:" in one for one in await findings())
        await stats.execute(
            "UPDATE volumes SET grams = grams / 2 WHERE grams > 0 AND day = (SELECT max(day) FROM volumes)"
        )

        last = await orders.fetchval("SELECT max(sequence) FROM chassis.outbox")
        await swap_numbers(orders, last - 1, last)
        assert any("with another number than the log's" in one for one in await findings())
        await swap_numbers(orders, last - 1, last)
    assert await findings() == []
    trial.passed = True


async def swap_numbers(connection: "asyncpg.Connection[asyncpg.Record]", one: int, other: int) -> None:
    """Swap the numbers of two events; they are negative in between, because numbers are unique."""
    await connection.execute("UPDATE chassis.outbox SET sequence = -sequence WHERE sequence IN ($1, $2)", one, other)
    await connection.execute(
        "UPDATE chassis.outbox SET sequence = $1::bigint + $2::bigint + sequence WHERE sequence < 0", one, other
    )
