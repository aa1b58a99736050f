"""Test of malformed records: they are quarantined, and all others are handled."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Sequence

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from services.chassis.events.envelope import event_headers
from services.chassis.ids import new_uuid, write_id
from services.contracts.declare import topic_of
from services.contracts.orders.events import PickupRecorded
from services.contracts.orders.pickups import PickupState
from services.contracts.sites import Fraction
from tests.faults.trial import Trial
from tests.support.polling import until

pytestmark = pytest.mark.timeout(600)

Headers = list[tuple[str, bytes]]
MalformedRecord = tuple[bytes, Headers]


async def test_malformed_records_of_every_kind_are_quarantined_and_replayed(trial: Trial) -> None:
    planted = malformed_records()
    async with trial.under_load(
        "malformed records: not JSON, no attributes, unknown type, 300 kB, wrong version, fails by itself"
    ):
        producer = AIOKafkaProducer(bootstrap_servers=trial.fault_stack.broker.address, max_request_size=1_000_000)
        await producer.start()
        for number, (value, headers) in enumerate(planted.values()):
            await producer.send_and_wait(
                topic_of("orders"), value, key=b"unknown", partition=number % 6, headers=headers
            )
        await producer.stop()
        states = await until(lambda: dead_letters(trial), lambda found: len(found) >= len(planted), within=90)
        assert sorted(states) == sorted(["PARKED"] + ["FAILED"] * (len(planted) - 1))
        # Identity reads the topic for its audit entries, support for what failed: for them none fails by itself.
        trial.fault_stack.expected_dead_letters += len(planted) + 2 * (len(planted) - 1)
        await trial.await_recovery()
    await check_host_commands(trial)


async def check_host_commands(trial: Trial) -> None:
    """Run list, show and replay; an event that fails again stays."""

    async def kierto(*arguments: str) -> tuple[int, str, str]:
        done = await asyncio.to_thread(trial.stack.kierto, "dead-letters", *arguments)
        return done.returncode, done.stdout, done.stderr

    code, listing, _ = await kierto("list", "stats")
    assert code == 0
    number = next(line.split("\t")[0] for line in listing.splitlines() if "missing attributes" in line)
    _, shown, _ = await kierto("show", "stats", number)
    assert "poison" in shown
    code, _, errors = await kierto("replay", "stats", number)
    assert code == 1
    assert "failed again" in errors
    assert number in (await kierto("list", "stats"))[1], "an event that fails again stays"
    assert (await kierto("show", "stats", "999999"))[0] == 2
    code, _, errors = await kierto("list", "accounting")
    assert code != 0
    assert "Traceback" not in errors


def malformed_records() -> dict[str, MalformedRecord]:
    """Return a record of each kind by its name, each about its own subject."""
    good = msgspec.json.encode(unknown_pickup())
    return {
        "not JSON": (b"{ poison", published_headers()),
        "missing attributes": (b"poison", []),
        "unknown type": (good, published_headers(event_type="orders.pickup.painted")),
        "300 kB": (b'{"poison": "' + b"x" * 300_000 + b'"}', published_headers()),
        "wrong version": (good, with_header(published_headers(), "ce_specversion", b"2.0")),
        "fails by itself": (msgspec.json.encode(unknown_pickup(grams=2**70)), published_headers()),
    }


def unknown_pickup(grams: int = 1) -> PickupRecorded:
    """Return the event of an unknown pickup; with more grams than a column holds, its handler fails."""
    return PickupRecorded(
        pickup_id=write_id("pickup", new_uuid()),
        organisation_id=write_id("org", new_uuid()),
        site_id=write_id("site", new_uuid()),
        agreement_id=write_id("agreement", new_uuid()),
        order_id=None,
        article_id=write_id("article", new_uuid()),
        fraction=Fraction.GLASS,
        date=dt.date(2026, 3, 4),
        state=PickupState.EMPTIED,
        done_at=dt.datetime(2026, 3, 4, 8, tzinfo=dt.UTC),
        grams=grams,
        version=1,
    )


def published_headers(event_type: str = "orders.pickup.recorded") -> Headers:
    """Return the attributes of an event with an old number, which is no sign of a newer log."""
    subject = write_id("pickup", new_uuid())
    return event_headers(
        new_uuid(), event_type, "orders", subject, dt.datetime.now(dt.UTC), 1, "", "unknown", uuid.UUID(int=0)
    )


def with_header(headers: Headers, name: str, value: bytes) -> Headers:
    return [(key, value if key == name else text) for key, text in headers]


async def dead_letters(trial: Trial) -> Sequence[str]:
    async with trial.fault_stack.databases() as databases:
        return [row["state"] for row in await databases["stats"].fetch("SELECT state FROM chassis.dead_letters")]
