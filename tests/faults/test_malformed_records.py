"""Records that are no event, or none that can take effect, are set aside alone, and all others go on."""

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
from services.contracts.orders import PickupRecorded, PickupState
from services.contracts.sites import Fraction
from tests.faults.trial import Trial
from tests.support.polling import until

pytestmark = pytest.mark.timeout(600)

Headers = list[tuple[str, bytes]]
MalformedRecord = tuple[bytes, Headers]


async def test_poison_of_every_kind_is_set_aside_and_replayed_by_hand(trial: Trial) -> None:
    planted = malformed_records()
    async with trial.under_load(
        "poison: not JSON, no attributes, unknown type, 300 kB, wrong version, fails by itself"
    ):
        producer = AIOKafkaProducer(bootstrap_servers=trial.fault_stack.broker.address, max_request_size=1_000_000)
        await producer.start()
        for number, (value, pairs) in enumerate(planted.values()):
            await producer.send_and_wait(topic_of("orders"), value, key=b"nobody", partition=number % 6, headers=pairs)
        await producer.stop()
        states = await until(lambda: dead_letters(trial), lambda found: len(found) >= len(planted), within=90)
        assert sorted(states) == sorted(["PARKED"] + ["FAILED"] * (len(planted) - 1))
        trial.fault_stack.expected_dead_letters += len(planted)
        await trial.await_recovery()
    await check_host_commands(trial)


async def check_host_commands(trial: Trial) -> None:
    """List, show, replay: what fails again stays."""

    async def kierto(*arguments: str) -> tuple[int, str, str]:
        done = await asyncio.to_thread(trial.stack.kierto, "dead-letters", *arguments)
        return done.returncode, done.stdout, done.stderr

    code, listed, _ = await kierto("list", "stats")
    assert code == 0
    number = next(line.split("\t")[0] for line in listed.splitlines() if "missing attributes" in line)
    _, shown, _ = await kierto("show", "stats", number)
    assert "poison" in shown
    code, _, said = await kierto("replay", "stats", number)
    assert code == 1
    assert "failed again" in said
    assert number in (await kierto("list", "stats"))[1], "what fails again stays"
    assert (await kierto("show", "stats", "999999"))[0] == 2
    code, _, said = await kierto("list", "accounting")
    assert code != 0
    assert "Traceback" not in said


def malformed_records() -> dict[str, MalformedRecord]:
    """Each kind by its name, about a subject of its own."""
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
    """A pickup that nobody recorded. More grams than a column holds, and no handler can keep it."""
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
    """The attributes of an event that was numbered long ago, so that it is no sign of a newer log."""
    subject = write_id("pickup", new_uuid())
    return event_headers(
        new_uuid(), event_type, "orders", subject, dt.datetime.now(dt.UTC), 1, "", "nobody", uuid.UUID(int=0)
    )


def with_header(pairs: Headers, name: str, value: bytes) -> Headers:
    return [(one, value if one == name else text) for one, text in pairs]


async def dead_letters(trial: Trial) -> Sequence[str]:
    async with trial.fault_stack.databases() as databases:
        return [row["state"] for row in await databases["stats"].fetch("SELECT state FROM chassis.dead_letters")]
