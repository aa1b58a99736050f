"""Snapshot of the stack, read from outside and from its databases, as plain values for the checker."""

import json
import re
import sqlite3
import uuid
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.secrets import SERVICES
from services.chassis.events.kafka import to_raw_record
from services.chassis.events.outbox import PARTITIONS
from services.chassis.events.publish.restore_detection import RESTORE_VERSION_INCREMENT
from services.chassis.ids import write_id
from services.contracts.declare import event_type_of, partners_topic_of, topic_of
from services.contracts.identity.events import AccessStated
from services.hosting.blueprint import Blueprint
from services.identity.queries import directory
from tests.faults.checker import (
    CopyRows,
    DeadLetterRow,
    OrderSnapshot,
    OutboxRow,
    PickupSnapshot,
    Snapshot,
    TopicRecord,
    text,
)
from tests.faults.databases import Databases
from tests.faults.stack_fixture import FaultStack
from tests.faults.subscribers import SubscriberLog, read_log

_LOG = (
    "SELECT sequence, event_id, type, subject, partition, public, data FROM chassis.outbox ORDER BY sequence, position"
)
_GENERATION = "SELECT generation FROM chassis.leader"
_DUE_RECEIPTS = "SELECT count(*) FROM message_causes WHERE kind = 'RECEIPT' AND due_at IS NOT NULL"
# Other kinds depend on the time of day: some wait for the end of the quiet hours.
_RECEIPTS = """
    SELECT mail.message_id FROM chassis.mail JOIN messages m ON m.id = mail.id
    JOIN message_causes c ON c.id = m.cause_id AND c.kind = 'RECEIPT'
"""
_UNFINISHED = {
    "events": "SELECT type, count(*) FROM chassis.outbox WHERE sequence IS NULL GROUP BY type",
    "mail": "SELECT message_id FROM chassis.mail WHERE sent_at IS NULL LIMIT 5",
    "jobs": "SELECT id, entrypoint, status, attempts, now() - heartbeat AS beat, execute_after - now() AS due "
    "FROM chassis.pgqueuer LIMIT 5",
}
"""The work of a service that is not finished, by its name; no row means none."""
_VERSIONS = "SELECT count(*), sum(version) FROM pickups"
_LETTERS = "SELECT state, event_id, reason FROM chassis.dead_letters"
_ORDERS = "SELECT id, agreement_id, date, timeline FROM orders"
_PICKUPS = "SELECT order_id, state, grams, version FROM pickups WHERE order_id IS NOT NULL"
_VOLUMES = "SELECT organisation_id, day, site_id, article_id, fraction, grams, pickups FROM volumes"
_VOLUMES_OF_PICKUPS = """
    SELECT s.organisation_id, (p.done_at AT TIME ZONE 'Europe/Helsinki')::date AS day, a.site_id, a.article_id,
           a.fraction, sum(coalesce(p.grams, 0))::bigint AS grams, count(*) AS pickups
    FROM pickups p JOIN agreements a ON a.id = p.agreement_id JOIN sites s ON s.id = a.site_id
    WHERE p.state = 'EMPTIED' GROUP BY 1, 2, 3, 4, 5
"""
_COPIES = (
    ("identity", "organisations", "id, customer_number, version", "sites", "organisations"),
    ("identity", "organisations", "id, customer_number, version", "stats", "organisations"),
    ("stats", "invoices", "id, customer_number, invoice_number, invoice_date, version", "identity", "invoices"),
    (
        "sites",
        "sites",
        "id, organisation_id, site_number, municipality, area, property_type, version",
        "orders",
        "sites",
    ),
    (
        "sites",
        "containers",
        "id, container_number, site_id, organisation_id, fraction, litres, count, version",
        "orders",
        "containers",
    ),
    ("sites", "sites", "id, organisation_id, site_number, version", "support", "sites"),
    ("orders", "pickups", "id, agreement_id, order_id, date, state, done_at, grams, version", "stats", "pickups"),
)
"""Owner, its table, the copied columns, the service with the copy, and its table."""

_MESSAGE_ID = re.compile(rb"^Message-ID: *(?:\r\n )?(<[^>]+>)", re.IGNORECASE | re.MULTILINE)


def blueprint_of(service: str) -> Blueprint[Any, Any]:
    blueprint: Blueprint[Any, Any] = getattr(import_module(f"services.{service}.app"), service.upper())
    return blueprint


def types_handled(service: str) -> set[str]:
    """Return the event types that a service handles."""
    handlers = import_module(f"services.{service}.messaging.handlers").HANDLERS
    return {event_type_of(kind).name for kind in handlers}


async def take_snapshot(fault_stack: FaultStack, subscriber_logs: Path) -> Snapshot:
    """Take a snapshot; ``subscriber_logs`` is the folder of the subscribers' logs."""
    subscribers = subscribers_of(subscriber_logs)  # first: the log may only grow after the subscribers' logs are read
    topics = {service: await read_topic(fault_stack.broker.address, topic_of(service)) for service in SERVICES}
    partners_topics = {
        service: await read_topic(fault_stack.broker.address, partners_topic_of(service))
        for service in SERVICES
        if blueprint_of(service).partners_topic
    }
    async with fault_stack.databases() as databases:
        orders, stats, support = databases["orders"], databases["stats"], databases["support"]
        logs = {service: [_logged(row) for row in await databases[service].fetch(_LOG)] for service in SERVICES}
        return Snapshot(
            logs=logs,
            generations={service: str(await databases[service].fetchval(_GENERATION)) for service in SERVICES},
            topics=topics,
            partners_topics=partners_topics,
            inboxes={
                (consumer, owner): await _inbox(databases, consumer, logs[owner])
                for consumer in SERVICES
                for owner in blueprint_of(consumer).subscribes_to
            },
            dead_letters=[
                DeadLetterRow(service, row["state"], row["event_id"], row["reason"].splitlines()[0])
                for service in SERVICES
                for row in await databases[service].fetch(_LETTERS)
            ],
            orders=[_order(row) for row in await orders.fetch(_ORDERS)],
            pickups=[_pickup(row) for row in await orders.fetch(_PICKUPS)],
            facts=[_pickup(row) for row in await stats.fetch(_PICKUPS)],
            volumes=_volumes(await stats.fetch(_VOLUMES)),
            volumes_of_facts=_volumes(await orders.fetch(_VOLUMES_OF_PICKUPS)),
            tickets=[write_id("ticket", row["id"]) for row in await support.fetch("SELECT id FROM tickets")],
            written_mails=[row["message_id"] for row in await support.fetch(_RECEIPTS)],
            delivered_mails=delivered_mails(fault_stack.stack.home.mailbox / "mail.sqlite"),
            copies=[*[await _copy(databases, *one) for one in _COPIES], *await _access_copies(databases)],
            subscribers=subscribers,
        )


async def unfinished_work(databases: Databases) -> list[str]:
    """List what is still to be done: events without a number, mail, jobs and receipts, and reports not yet in stats.

    A job that is held is never finished: none may fail so often.
    """
    unfinished = []
    for service in SERVICES:
        for work, query in _UNFINISHED.items():
            if rows := [dict(row) for row in await databases[service].fetch(query)]:
                unfinished.append(f"{service}: {work}: {rows}")
    if receipts := await databases["support"].fetchval(_DUE_RECEIPTS):
        unfinished.append(f"support: {receipts} receipts")
    reported, counted = [await databases[service].fetchrow(_VERSIONS) for service in ("orders", "stats")]
    if reported != counted:
        unfinished.append(f"pickups: {reported} in orders, {counted} in stats")
    return unfinished


async def read_topic(bootstrap: str, name: str) -> list[TopicRecord]:
    """Read all records of a topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, max_poll_records=5000)
    await consumer.start()
    try:
        partitions = [TopicPartition(name, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[TopicRecord] = []
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                for m in messages:
                    record = to_raw_record(m)
                    records.append(
                        TopicRecord(m.partition, m.offset, record.event_id, record.sequence, record.generation)
                    )
        return records
    finally:
        await consumer.stop()


def delivered_mails(file: Path) -> list[str]:
    """List the Message-IDs in the mailbox, in the order of arrival."""
    mailbox = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        matches = [_MESSAGE_ID.search(raw_mail) for (raw_mail,) in mailbox.execute("SELECT raw FROM mail ORDER BY id")]
    finally:
        mailbox.close()
    return [match.group(1).decode() for match in matches if match]


def subscribers_of(folder: Path) -> list[SubscriberLog]:
    """Read the logs of all subscribers."""
    return [read_log(file) for file in sorted(folder.iterdir())] if folder.exists() else []


def _logged(row: asyncpg.Record) -> OutboxRow:
    data = json.loads(row["data"])
    return OutboxRow(
        row["sequence"],
        str(row["event_id"]),
        row["type"],
        row["subject"],
        row["partition"],
        row["public"],
        base_version(data.get("version", 0)),
        data.get("siteId", ""),
        data.get("orderId") or "",
    )


def base_version(version: int) -> int:
    """Return the version without the increments of restores, which lift all versions above the lost ones."""
    return version % RESTORE_VERSION_INCREMENT


async def _inbox(databases: Databases, consumer: str, log: list[OutboxRow]) -> tuple[set[str], set[str]]:
    handled = types_handled(consumer)
    rows = await databases[consumer].fetch("SELECT event_id FROM chassis.inbox")
    return {str(row["event_id"]) for row in rows}, {row.event_id for row in log if row.type in handled}


def _order(row: asyncpg.Record) -> OrderSnapshot:
    timeline = tuple(step["state"] for step in json.loads(row["timeline"]))
    return OrderSnapshot(
        write_id("order", row["id"]), write_id("agreement", row["agreement_id"]), str(row["date"]), timeline
    )


def _pickup(row: asyncpg.Record) -> PickupSnapshot:
    return PickupSnapshot(write_id("order", row["order_id"]), row["state"], row["grams"], base_version(row["version"]))


def _volumes(rows: list[asyncpg.Record]) -> dict[tuple[object, ...], tuple[int, int]]:
    places: dict[tuple[object, ...], tuple[int, int]] = {}
    for row in rows:
        place = tuple(str(row[name]) for name in ("organisation_id", "day", "site_id", "article_id", "fraction"))
        places[place] = row["grams"], row["pickups"]
    return places


async def _copy(databases: Databases, owner: str, table: str, columns: str, consumer: str, copy_table: str) -> CopyRows:
    owned = await databases[owner].fetch(f"SELECT {columns} FROM {table}")
    kept = await databases[consumer].fetch(f"SELECT {columns} FROM {copy_table}")
    return CopyRows(
        f"{consumer}.{copy_table}", [_plain_values(row) for row in owned], [_plain_values(row) for row in kept]
    )


def _plain_values(row: asyncpg.Record) -> tuple[object, ...]:
    return tuple(text(value) if isinstance(value, uuid.UUID | None) else value for value in row)


async def _access_copies(databases: Databases) -> list[CopyRows]:
    """Read each service's copy of access, and identity's own state of it."""
    identity = databases["identity"]
    subjects = [
        *(write_id("user", row["id"]) for row in await identity.fetch("SELECT id FROM users")),
        *(write_id("partner", row["id"]) for row in await identity.fetch("SELECT id FROM partners")),
    ]
    states = [state for subject in subjects if (state := await directory.access_of(identity, subject))]
    owner = [_access(state) for state in states]
    copies = []
    for service in ("sites", "orders", "stats", "support"):
        kept = [await _access_row(databases[service], subject) for subject in subjects]
        copies.append(CopyRows(f"{service}.access", owner, [row for row in kept if row]))
    return copies


def _access(state: AccessStated) -> tuple[object, ...]:
    grants = [
        (
            grant.organisation_id or "",
            grant.role.value if grant.role else "",
            grant.billing,
            site,
            "" if grant.until is None else str(grant.until),
        )
        for grant in state.grants
        for site in ([""] if grant.site_ids is None else grant.site_ids)
    ]
    return (
        state.subject_id,
        state.kind.value,
        state.version,
        state.active,
        tuple(state.scopes),
        tuple(sorted(grants)),
    )


async def _access_row(connection: "asyncpg.Connection[asyncpg.Record]", subject: str) -> tuple[object, ...] | None:
    row = await connection.fetchrow("SELECT * FROM access.subjects WHERE subject_id = $1", subject)
    if row is None:
        return None
    grants = [
        (
            write_id("org", grant["organisation_id"]) if grant["organisation_id"] else "",
            grant["role"] or "",
            grant["billing"],
            write_id("site", grant["site_id"]) if grant["site_id"] else "",
            "" if grant["until"] is None else str(grant["until"]),
        )
        for grant in await connection.fetch("SELECT * FROM access.grants WHERE subject_id = $1", subject)
    ]
    return subject, row["kind"], row["version"], row["active"], tuple(row["scopes"]), tuple(sorted(grants))
