"""The checker: what was acknowledged, and what the house shows, held against each other.

It looks at plain values (``picture.py`` gets them from outside and from the databases), so that it can itself be shown
something wrong: see ``test_checker.py``. Every function gives findings, each a sentence; none is good.
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
"""So many examples in a finding."""


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
    """A record of a topic, as far as it is compared. ``sequence`` None: it is no event of ours."""

    partition: int
    offset: int
    event_id: str
    sequence: int | None
    generation: str


class DeadLetterRow(msgspec.Struct, frozen=True):
    """Something that was set aside."""

    service: str
    state: str
    event_id: str
    reason: str


class OrderSnapshot(msgspec.Struct, frozen=True):
    """An order with its timeline's states."""

    order_id: str
    agreement_id: str
    day: str
    timeline: tuple[str, ...]


class PickupSnapshot(msgspec.Struct, frozen=True):
    """A pickup of an order: as its owner keeps it, or as a fact of stats."""

    order_id: str
    state: str
    grams: int | None
    version: int


class CopyRows(msgspec.Struct, frozen=True):
    """Rows of an owner, and what another service keeps of them."""

    name: str
    owner: Collection[tuple[object, ...]]
    copy: Collection[tuple[object, ...]]


class Snapshot(msgspec.Struct):
    """The whole house at one moment."""

    logs: dict[str, list[OutboxRow]]
    generations: dict[str, str]
    topics: dict[str, list[TopicRecord]]
    partners_topics: dict[str, list[TopicRecord]]
    """By service, where it has one."""
    inboxes: dict[tuple[str, str], tuple[set[str], set[str]]]
    """(consumer, owner): the ids of all events that the consumer has taken in, and those that it had to."""
    dead_letters: list[DeadLetterRow]
    orders: list[OrderSnapshot]
    pickups: list[PickupSnapshot]
    facts: list[PickupSnapshot]
    volumes: dict[tuple[object, ...], tuple[int, int]]
    """What stats shows: place to grams and pickups."""
    volumes_of_facts: dict[tuple[object, ...], tuple[int, int]]
    """The same, added up from orders' own pickups."""
    tickets: list[str]
    written_mails: list[str]
    delivered_mails: list[str]
    copies: list[CopyRows]
    subscribers: list[SubscriberLog]


class Tolerance(msgspec.Struct, frozen=True):
    """What a run has planted or has had to accept."""

    dead_letters: int = 0
    """Dead letters that were planted, over all services."""
    mail_repeats: int = 0
    """Deaths between the mail server's yes and our mark, at most."""
    restored: bool = False
    """The owner's database was restored: the log begins anew above the highest number, and what was said in between
    is still in Kafka, in inboxes and in partners' notes."""


def check_snapshot(record: CommandRecord, picture: Snapshot, allowed: Tolerance) -> list[str]:
    """Everything that is wrong; nothing is good."""
    return [
        *check_orders(record, picture.orders),
        *check_pickups(record, picture.pickups, "orders' pickups"),
        *check_pickups(record, picture.facts, "stats' facts"),
        *check_volumes(picture.volumes_of_facts, picture.volumes),
        *check_tickets(record, picture.tickets),
        *check_mails(record, picture.written_mails, picture.delivered_mails, allowed),
        *check_events_of_orders(record, picture.logs["orders"]),
        *(finding for one in picture.logs for finding in check_log(one, picture.logs[one], allowed)),
        *(finding for one in picture.logs for finding in check_topic(one, picture, allowed)),
        *check_inboxes(picture, allowed),
        *check_letters(picture.dead_letters, allowed),
        *(finding for one in picture.copies for finding in check_copy(one)),
        *check_subscribers(picture, allowed),
    ]


def differences(what: str, wanted: Sequence[K], seen: Sequence[K]) -> list[str]:
    """What of a sequence was lost, doubled, foreign or swapped on its way."""
    wanted_once, seen_times = set(wanted), Counter(seen)
    findings = []
    if lost := [one for one in wanted if one not in seen_times]:
        findings.append(f"{what}: {len(lost)} lost: {_excerpt(lost)}")
    if doubled := [one for one, times in seen_times.items() if times > 1]:
        findings.append(f"{what}: {len(doubled)} doubled: {_excerpt(doubled)}")
    if foreign := [one for one in seen_times if one not in wanted_once]:
        findings.append(f"{what}: {len(foreign)} that nobody said: {_excerpt(foreign)}")
    order = {one: place for place, one in enumerate(wanted)}
    places = [order[one] for one in seen if one in order]
    if swapped := [wanted[b] for a, b in pairwise(places) if b < a]:
        findings.append(f"{what}: {len(swapped)} swapped: {_excerpt(swapped)}")
    return findings


def check_orders(record: CommandRecord, rows: Sequence[OrderSnapshot]) -> list[str]:
    """Each acknowledged order is there once, with its timeline; and none that nobody asked for."""
    findings = differences(
        "orders",
        [(one.order_id, one.agreement_id, one.day) for one in sorted(record.orders.values(), key=lambda o: o.order_id)],
        sorted((row.order_id, row.agreement_id, row.day) for row in rows),
    )
    reported = record.report_counts()
    wrong = [
        row
        for row in rows
        if row.timeline != (COMPLETED_TIMELINE if row.order_id in reported else COMPLETED_TIMELINE[:-1])
    ]  # an order that was reported emptied is completed, every other is scheduled
    if wrong:
        findings.append(f"orders: {len(wrong)} with a wrong timeline: {_excerpt(wrong)}")
    return findings


def check_pickups(record: CommandRecord, rows: Sequence[PickupSnapshot], what: str) -> list[str]:
    """Each reported pickup has the outcome that its acknowledged reports come to, and a version for each change."""
    times = record.report_counts()
    wanted = [
        PickupSnapshot(order_id, "EMPTIED", report.grams, times[order_id])
        for order_id, report in sorted(record.outcomes().items())
    ]
    return differences(what, wanted, sorted(rows, key=lambda row: row.order_id))


def check_volumes(
    wanted: Mapping[tuple[object, ...], tuple[int, int]], shown: Mapping[tuple[object, ...], tuple[int, int]]
) -> list[str]:
    """The volumes are the sum of the pickups. A place whose pickups were taken out again may stay with zeros."""
    there = {place: amount for place, amount in shown.items() if amount != (0, 0)}
    wrong = [
        (place, wanted.get(place), there.get(place))
        for place in wanted.keys() | there.keys()
        if wanted.get(place) != there.get(place)
    ]
    return [f"volumes: {len(wrong)} places differ (grams, pickups): {_excerpt(wrong)}"] if wrong else []


def check_tickets(record: CommandRecord, tickets: Sequence[str]) -> list[str]:
    """Each acknowledged contact form has its ticket, once."""
    return differences("tickets", sorted(one.ticket_id for one in record.forms.values()), sorted(tickets))


def check_mails(record: CommandRecord, written: Sequence[str], arrived: Sequence[str], allowed: Tolerance) -> list[str]:
    """Each contact form has its receipt; one that came again came as itself, after a death at the wrong moment."""
    findings = []
    if len(set(written)) != len(record.forms):
        findings.append(f"mail: {len(set(written))} written for {len(record.forms)} contact forms")
    once = Counter(arrived)
    findings += [
        finding for finding in differences("mail", sorted(written), sorted(once)) if "nobody said" not in finding
    ]
    repeats = sum(once[one] - 1 for one in written if one in once)
    if repeats > allowed.mail_repeats:
        findings.append(f"mail: {repeats} came again, {allowed.mail_repeats} could have")
    return findings


def check_events_of_orders(record: CommandRecord, log: Sequence[OutboxRow]) -> list[str]:
    """The log holds each event of each acknowledged command once, in the order of what happened."""
    of_order: dict[str, list[tuple[str, int]]] = {}
    for row in log:
        if row.order_id:
            of_order.setdefault(row.order_id, []).append((row.type, row.version))
    times, findings = record.report_counts(), []
    for order in record.orders.values():
        said = of_order.get(order.order_id, [])
        reports = times.get(order.order_id, 0)
        states = [
            ("orders.order.placed", 1),
            *(("orders.order.moved", version) for version in range(2, 5 if reports else 4)),
        ]
        outcomes = [("orders.pickup.recorded", version) for version in range(1, reports + 1)]
        seen_states = [one for one in said if one[0].startswith("orders.order.")]
        seen_outcomes = [one for one in said if one[0] == "orders.pickup.recorded"]
        if seen_states != states or seen_outcomes != outcomes:
            findings.append(f"the events of order {order.order_id}: {said}, not {states} and {outcomes}")
    return [f"{len(findings)} orders with wrong events: {_excerpt(findings)}"] if findings else []


def check_log(service: str, log: Sequence[OutboxRow], allowed: Tolerance) -> list[str]:
    """The numbers have no hole and none comes twice. A restored log has one hole, where it begins anew."""
    numbers = [row.sequence for row in log]
    findings = []
    if None in numbers:
        findings.append(f"{service}'s log: {numbers.count(None)} events have no number")
    given = [number for number in numbers if number is not None]
    steps = [(a, b) for a, b in pairwise(given) if b != a + 1]
    holes = [step for step in steps if step[1] > step[0]]
    if len(holes) != len(steps) or len(holes) > int(allowed.restored and service == "orders"):
        findings.append(f"{service}'s log: {len(steps)} wrong steps from number to number: {_excerpt(steps)}")
    return findings


def check_topic(service: str, picture: Snapshot, allowed: Tolerance) -> list[str]:
    """Every event of the log is on its topic, and every public one on the partners' topic."""
    lenient = (allowed.restored and service == "orders") or bool(allowed.dead_letters)
    log = picture.logs[service]
    findings = _compared(f"{service}'s topic", log, picture.topics[service], lenient)
    if service in picture.partners_topics:
        public = [row for row in log if row.public]
        findings += _compared(f"{service}'s topic for partners", public, picture.partners_topics[service], lenient)
    return findings


def _compared(what: str, log: Sequence[OutboxRow], records: Sequence[TopicRecord], lenient: bool) -> list[str]:
    """A topic has the log's events in order in each partition once repeats are left out; ``lenient``: and others."""
    findings = []
    numbers = {row.event_id: row.sequence for row in log}
    for partition in sorted({row.partition for row in log}):
        held = [one for one in records if one.partition == partition]
        first = dict.fromkeys(one.event_id for one in held if one.event_id in numbers)
        wanted = [row.event_id for row in log if row.partition == partition and row.sequence is not None]
        findings += differences(f"{what}, partition {partition}", wanted, list(first))
    lying = [one for one in records if one.event_id in numbers and one.sequence != numbers[one.event_id]]
    if lying:
        findings.append(f"{what}: {len(lying)} records with another number than the log's: {_excerpt(lying)}")
    foreign = [one for one in records if one.event_id not in numbers and one.sequence is not None]
    if foreign and not lenient:
        findings.append(f"{what}: {len(foreign)} events that nobody said: {_excerpt(foreign)}")
    return findings


def check_inboxes(picture: Snapshot, allowed: Tolerance) -> list[str]:
    """What each consumer has taken in is what was announced to it, and nothing else."""
    findings = []
    announced: dict[str, set[str]] = {}
    for (consumer, owner), (taken, had_to) in picture.inboxes.items():
        aside = {letter.event_id for letter in picture.dead_letters if letter.service == consumer}
        if missing := had_to - taken - aside:
            findings.append(f"{consumer}'s inbox lacks {len(missing)} events of {owner}: {_excerpt(sorted(missing))}")
        announced.setdefault(consumer, set()).update(row.event_id for row in picture.logs[owner])
    for consumer, said in announced.items():
        taken = set().union(*(ids for (one, _), (ids, _) in picture.inboxes.items() if one == consumer))
        if (foreign := taken - said) and not allowed.restored and not allowed.dead_letters:
            findings.append(
                f"{consumer}'s inbox has {len(foreign)} events that nobody said: {_excerpt(sorted(foreign))}"
            )
    return findings


def check_letters(letters: Sequence[DeadLetterRow], allowed: Tolerance) -> list[str]:
    """Nothing is set aside but what was planted."""
    if len(letters) == allowed.dead_letters:
        return []
    return [f"dead letters: {len(letters)}, planted were {allowed.dead_letters}: {_excerpt(letters)}"]


def check_copy(copy: CopyRows) -> list[str]:
    """A copy is as its owner's rows, row by row."""
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


def check_subscribers(picture: Snapshot, allowed: Tolerance) -> list[str]:
    """Every subscriber got exactly what the log has behind its first cursor, in order, of what it wanted."""
    findings = []
    for number, notes in enumerate(picture.subscribers):
        for stretch in notes.subscriptions:
            if stretch.generation != picture.generations["orders"]:
                got = [one.sequence for one in stretch.events]
                if got != sorted(set(got)):
                    findings.append(f"subscriber {number}: an older generation's events out of order")
                continue
            wanted = [row.event_id for row in picture.logs["orders"] if _is_wanted(notes, row, stretch.after)]
            findings += differences(
                f"subscriber {number} {notes.wanted}", wanted, [one.event_id for one in stretch.events]
            )
        if notes.expired and not allowed.restored:
            findings.append(f"subscriber {number}: its cursor expired")
    return findings


def _is_wanted(notes: SubscriberLog, row: OutboxRow, after: int) -> bool:
    return (
        row.public
        and row.sequence is not None
        and row.sequence > after
        and row.type in notes.wanted.get("types", [row.type])
        and row.site_id == notes.wanted.get("siteId", row.site_id)
    )


def text(value: uuid.UUID | None) -> str:
    """An id as text; empty for none."""
    return "" if value is None else str(value)


def _excerpt(found: Iterable[object]) -> str:
    shown = [str(one) for _, one in zip(range(_MAX_SHOWN + 1), found, strict=False)]
    return ", ".join(shown[:_MAX_SHOWN]) + (" ..." if len(shown) > _MAX_SHOWN else "")


def _sorted(rows: Collection[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return sorted(rows, key=str)
