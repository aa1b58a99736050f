"""The checker, which compares the acknowledged commands with a snapshot of the stack.

It works on plain values (``snapshot.py`` reads them from outside and from the databases), so that ``test_checker.py``
can plant errors in them. Every function returns findings, each a sentence; an empty list means success.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

import msgspec

from tests.faults.record import CommandRecord
from tests.faults.subscribers import SubscriberLog

K = TypeVar("K", bound=Hashable)

COMPLETED_TIMELINE = ("RECEIVED", "CONFIRMED", "SCHEDULED", "COMPLETED")
_MAX_SHOWN = 3
"""Number of examples in a finding."""


class OutboxRow(msgspec.Struct, frozen=True):
    """A row of an outbox."""

    sequence: int | None
    event_id: str
    type: str
    subject: str
    partition: int
    public: bool
    version: int
    site_id: str
    order_id: str


class TopicRecord(msgspec.Struct, frozen=True):
    """The compared part of a record of a topic."""

    partition: int
    offset: int
    event_id: str
    sequence: int | None
    """None: the record is no event of Kierto's."""
    generation: str


class DeadLetterRow(msgspec.Struct, frozen=True):
    """A dead letter."""

    service: str
    state: str
    event_id: str
    reason: str


class OrderSnapshot(msgspec.Struct, frozen=True):
    """An order with the states of its timeline."""

    order_id: str
    agreement_id: str
    day: str
    timeline: tuple[str, ...]


class PickupSnapshot(msgspec.Struct, frozen=True):
    """A pickup of an order, from its owner or from the facts of stats."""

    order_id: str
    state: str
    grams: int | None
    version: int


class CopyRows(msgspec.Struct, frozen=True):
    """Rows of an owner, and the copies of another service."""

    name: str
    owner: Collection[tuple[object, ...]]
    copy: Collection[tuple[object, ...]]


class Snapshot(msgspec.Struct):
    """Snapshot of the whole stack."""

    logs: dict[str, list[OutboxRow]]
    generations: dict[str, str]
    topics: dict[str, list[TopicRecord]]
    partners_topics: dict[str, list[TopicRecord]]
    """By service, if it has such a topic."""
    inboxes: dict[tuple[str, str], tuple[set[str], set[str]]]
    """By (consumer, owner): the ids of all events that the consumer has handled, and of those that it had to."""
    dead_letters: list[DeadLetterRow]
    orders: list[OrderSnapshot]
    pickups: list[PickupSnapshot]
    facts: list[PickupSnapshot]
    volumes: dict[tuple[object, ...], tuple[int, int]]
    """Grams and pickups by place, from stats."""
    volumes_of_facts: dict[tuple[object, ...], tuple[int, int]]
    """Grams and pickups by place, summed from orders' pickups."""
    tickets: list[str]
    written_mails: list[str]
    delivered_mails: list[str]
    copies: list[CopyRows]
    subscribers: list[SubscriberLog]


class Tolerance(msgspec.Struct, frozen=True):
    """Deviations that a run has planted or has to accept."""

    dead_letters: int = 0
    """Number of planted dead letters, over all services."""
    mail_repeats: int = 0
    """Largest number of crashes between the mail server's acknowledgement and our mark."""
    restored: bool = False
    """Whether the owner's database was restored: then the log starts again above the highest number, and the events in
    between are still in Kafka, in inboxes and in subscriber logs."""


def check_snapshot(record: CommandRecord, snapshot: Snapshot, tolerance: Tolerance) -> list[str]:
    """Return all findings; an empty list means success."""
    return [
        *check_orders(record, snapshot.orders),
        *check_pickups(record, snapshot.pickups, "orders' pickups"),
        *check_pickups(record, snapshot.facts, "stats' facts"),
        *check_volumes(snapshot.volumes_of_facts, snapshot.volumes),
        *check_tickets(record, snapshot.tickets),
        *check_mails(record, snapshot.written_mails, snapshot.delivered_mails, tolerance),
        *check_events_of_orders(record, snapshot.logs["orders"]),
        *(finding for service in snapshot.logs for finding in check_log(service, snapshot.logs[service], tolerance)),
        *(finding for service in snapshot.logs for finding in check_topic(service, snapshot, tolerance)),
        *check_inboxes(snapshot, tolerance),
        *check_letters(snapshot.dead_letters, tolerance),
        *(finding for copy in snapshot.copies for finding in check_copy(copy)),
        *check_subscribers(snapshot, tolerance),
    ]


def differences(subject: str, wanted: Sequence[K], seen: Sequence[K]) -> list[str]:
    """List the items of a sequence that were lost, doubled, unexpected or swapped."""
    wanted_once, seen_times = set(wanted), Counter(seen)
    findings = []
    if lost := [item for item in wanted if item not in seen_times]:
        findings.append(f"{subject}: {len(lost)} lost: {_excerpt(lost)}")
    if doubled := [item for item, times in seen_times.items() if times > 1]:
        findings.append(f"{subject}: {len(doubled)} doubled: {_excerpt(doubled)}")
    if foreign := [item for item in seen_times if item not in wanted_once]:
        findings.append(f"{subject}: {len(foreign)} unexpected: {_excerpt(foreign)}")
    order = {item: place for place, item in enumerate(wanted)}
    places = [order[item] for item in seen if item in order]
    if swapped := [wanted[b] for a, b in pairwise(places) if b < a]:
        findings.append(f"{subject}: {len(swapped)} swapped: {_excerpt(swapped)}")
    return findings


def check_orders(record: CommandRecord, rows: Sequence[OrderSnapshot]) -> list[str]:
    """Check that each acknowledged order is there once, with its timeline, and no other."""
    findings = differences(
        "orders",
        [(one.order_id, one.agreement_id, one.day) for one in sorted(record.orders.values(), key=lambda o: o.order_id)],
        sorted((row.order_id, row.agreement_id, row.day) for row in rows),
    )
    reported = record.report_counts()
    mismatches = [
        row
        for row in rows
        if row.timeline != (COMPLETED_TIMELINE if row.order_id in reported else COMPLETED_TIMELINE[:-1])
    ]  # an order that was reported emptied is completed, every other is scheduled
    if mismatches:
        findings.append(f"orders: {len(mismatches)} with a wrong timeline: {_excerpt(mismatches)}")
    return findings


def check_pickups(record: CommandRecord, rows: Sequence[PickupSnapshot], subject: str) -> list[str]:
    """Check that each reported pickup has the outcome of its acknowledged reports, and a version for each change."""
    times = record.report_counts()
    wanted = [
        PickupSnapshot(order_id, "EMPTIED", report.grams, times[order_id])
        for order_id, report in sorted(record.outcomes().items())
    ]
    return differences(subject, wanted, sorted(rows, key=lambda row: row.order_id))


def check_volumes(
    wanted: Mapping[tuple[object, ...], tuple[int, int]], shown: Mapping[tuple[object, ...], tuple[int, int]]
) -> list[str]:
    """Check that the volumes are the sum of the pickups. A place whose pickups were removed may stay with zeros."""
    present = {place: amount for place, amount in shown.items() if amount != (0, 0)}
    mismatches = [
        (place, wanted.get(place), present.get(place))
        for place in wanted.keys() | present.keys()
        if wanted.get(place) != present.get(place)
    ]
    return [f"volumes: {len(mismatches)} places differ (grams, pickups): {_excerpt(mismatches)}"] if mismatches else []


def check_tickets(record: CommandRecord, tickets: Sequence[str]) -> list[str]:
    """Check that each acknowledged contact form has its ticket, once."""
    return differences("tickets", sorted(one.ticket_id for one in record.forms.values()), sorted(tickets))


def check_mails(
    record: CommandRecord, written: Sequence[str], arrived: Sequence[str], tolerance: Tolerance
) -> list[str]:
    """Check that each contact form has its receipt, repeated only after a crash, and with the same Message-ID."""
    findings = []
    if len(set(written)) != len(record.forms):
        findings.append(f"mail: {len(set(written))} written for {len(record.forms)} contact forms")
    once = Counter(arrived)
    findings += [
        finding for finding in differences("mail", sorted(written), sorted(once)) if "unexpected" not in finding
    ]
    repeats = sum(once[one] - 1 for one in written if one in once)
    if repeats > tolerance.mail_repeats:
        findings.append(f"mail: {repeats} came again, {tolerance.mail_repeats} could have")
    return findings


def check_events_of_orders(record: CommandRecord, log: Sequence[OutboxRow]) -> list[str]:
    """Check that the log holds each event of each acknowledged command once, in order."""
    of_order: dict[str, list[tuple[str, int]]] = {}
    for row in log:
        if row.order_id:
            of_order.setdefault(row.order_id, []).append((row.type, row.version))
    times, findings = record.report_counts(), []
    for order in record.orders.values():
        events = of_order.get(order.order_id, [])
        reports = times.get(order.order_id, 0)
        states = [
            ("orders.order.placed", 1),
            *(("orders.order.moved", version) for version in range(2, 5 if reports else 4)),
        ]
        outcomes = [("orders.pickup.recorded", version) for version in range(1, reports + 1)]
        seen_states = [one for one in events if one[0].startswith("orders.order.")]
        seen_outcomes = [one for one in events if one[0] == "orders.pickup.recorded"]
        if seen_states != states or seen_outcomes != outcomes:
            findings.append(f"the events of order {order.order_id}: {events}, not {states} and {outcomes}")
    return [f"{len(findings)} orders with wrong events: {_excerpt(findings)}"] if findings else []


def check_log(service: str, log: Sequence[OutboxRow], tolerance: Tolerance) -> list[str]:
    """Check that the numbers have no gap and no repeat. A restored log has one gap, where it starts again."""
    numbers = [row.sequence for row in log]
    findings = []
    if None in numbers:
        findings.append(f"{service}'s log: {numbers.count(None)} events have no number")
    given = [number for number in numbers if number is not None]
    steps = [(a, b) for a, b in pairwise(given) if b != a + 1]
    gaps = [step for step in steps if step[1] > step[0]]
    if len(gaps) != len(steps) or len(gaps) > int(tolerance.restored and service == "orders"):
        findings.append(f"{service}'s log: {len(steps)} wrong steps from number to number: {_excerpt(steps)}")
    return findings


def check_topic(service: str, snapshot: Snapshot, tolerance: Tolerance) -> list[str]:
    """Check that every event of the log is on its topic, and every public one on the partners' topic."""
    lenient = (tolerance.restored and service == "orders") or bool(tolerance.dead_letters)
    log = snapshot.logs[service]
    findings = _compare_topic(f"{service}'s topic", log, snapshot.topics[service], lenient)
    if service in snapshot.partners_topics:
        public = [row for row in log if row.public]
        findings += _compare_topic(
            f"{service}'s topic for partners", public, snapshot.partners_topics[service], lenient
        )
    return findings


def _compare_topic(subject: str, log: Sequence[OutboxRow], records: Sequence[TopicRecord], lenient: bool) -> list[str]:
    """Compare each partition, without repeats, with the log; ``lenient``: ignore other events."""
    findings = []
    numbers = {row.event_id: row.sequence for row in log}
    for partition in sorted({row.partition for row in log}):
        in_partition = [one for one in records if one.partition == partition]
        first = dict.fromkeys(one.event_id for one in in_partition if one.event_id in numbers)
        wanted = [row.event_id for row in log if row.partition == partition and row.sequence is not None]
        findings += differences(f"{subject}, partition {partition}", wanted, list(first))
    misnumbered = [one for one in records if one.event_id in numbers and one.sequence != numbers[one.event_id]]
    if misnumbered:
        findings.append(
            f"{subject}: {len(misnumbered)} records with another number than the log's: {_excerpt(misnumbered)}"
        )
    foreign = [one for one in records if one.event_id not in numbers and one.sequence is not None]
    if foreign and not lenient:
        findings.append(f"{subject}: {len(foreign)} unexpected events: {_excerpt(foreign)}")
    return findings


def check_inboxes(snapshot: Snapshot, tolerance: Tolerance) -> list[str]:
    """Check that each consumer has handled the events of its owners, and no others."""
    findings = []
    emitted: dict[str, set[str]] = {}
    for (consumer, owner), (handled, required) in snapshot.inboxes.items():
        quarantined = {letter.event_id for letter in snapshot.dead_letters if letter.service == consumer}
        if missing := required - handled - quarantined:
            findings.append(f"{consumer}'s inbox lacks {len(missing)} events of {owner}: {_excerpt(sorted(missing))}")
        emitted.setdefault(consumer, set()).update(row.event_id for row in snapshot.logs[owner])
    for consumer, expected in emitted.items():
        handled = set().union(*(ids for (name, _), (ids, _) in snapshot.inboxes.items() if name == consumer))
        if (foreign := handled - expected) and not tolerance.restored and not tolerance.dead_letters:
            findings.append(f"{consumer}'s inbox has {len(foreign)} unexpected events: {_excerpt(sorted(foreign))}")
    return findings


def check_letters(letters: Sequence[DeadLetterRow], tolerance: Tolerance) -> list[str]:
    """Check that there are no dead letters but the planted ones."""
    if len(letters) == tolerance.dead_letters:
        return []
    return [f"dead letters: {len(letters)}, planted were {tolerance.dead_letters}: {_excerpt(letters)}"]


def check_copy(copy: CopyRows) -> list[str]:
    """Check that a copy equals its owner's rows."""
    owner, kept = set(copy.owner), set(copy.copy)
    findings = []
    if missing := owner - kept:
        findings.append(
            f"{copy.name}: {len(missing)} rows of the owner are not so in the copy: {_excerpt(_sorted(missing))}"
        )
    if more := kept - owner:
        findings.append(f"{copy.name}: {len(more)} rows of the copy are not so at the owner: {_excerpt(_sorted(more))}")
    if len(copy.copy) != len(kept):
        findings.append(f"{copy.name}: rows come twice")
    return findings


def check_subscribers(snapshot: Snapshot, tolerance: Tolerance) -> list[str]:
    """Check that every subscriber received the events after its first cursor that match its filters, in order."""
    findings = []
    for number, log in enumerate(snapshot.subscribers):
        for subscription in log.subscriptions:
            if subscription.generation != snapshot.generations["orders"]:
                got = [one.sequence for one in subscription.events]
                if got != sorted(set(got)):
                    findings.append(f"subscriber {number}: an older generation's events out of order")
                continue
            wanted = [row.event_id for row in snapshot.logs["orders"] if _matches(log, row, subscription.after)]
            findings += differences(
                f"subscriber {number} {log.filters}", wanted, [one.event_id for one in subscription.events]
            )
        if log.expired and not tolerance.restored:
            findings.append(f"subscriber {number}: its cursor expired")
    return findings


def _matches(log: SubscriberLog, row: OutboxRow, after: int) -> bool:
    return (
        row.public
        and row.sequence is not None
        and row.sequence > after
        and row.type in log.filters.get("types", [row.type])
        and row.site_id in log.filters.get("siteIds", [row.site_id])
    )


def text(value: uuid.UUID | None) -> str:
    """Format an id; None becomes empty."""
    return "" if value is None else str(value)


def _excerpt(items: Iterable[object]) -> str:
    shown = [str(item) for _, item in zip(range(_MAX_SHOWN + 1), items, strict=False)]
    return ", ".join(shown[:_MAX_SHOWN]) + (" ..." if len(shown) > _MAX_SHOWN else "")


def _sorted(rows: Collection[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return sorted(rows, key=str)
