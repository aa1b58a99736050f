"""`kierto dead-letters` on a service's database."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.commands import dead_letters as command
from deploy.local import detached_service
from services.chassis.db import postgres
from services.chassis.db.postgres import Pool
from services.chassis.events.consume import dead_letters
from services.chassis.events.consume.consumer import Consumer
from services.chassis.events.envelope import raw_record
from services.chassis.events.transaction import Transaction
from tests.integration.chassis.events.topic import TopicWriter
from tests.support.alpha import Alpha, ThingCounted


@pytest.fixture
async def quarantined(alpha: Alpha, topic: TopicWriter) -> Alpha:
    """Alpha with a failed event and five that wait for it, another failed one, and a parked one."""
    events = [topic.record(ThingCounted(thing_id="thing_1", number=number)) for number in range(6)]
    events += [
        topic.record(ThingCounted(thing_id="thing_2", number=66)),
        topic.record(ThingCounted(thing_id="thing_3", number=7), ce_type="alpha.thing.painted\n\tx"),
    ]
    states: list[dead_letters.DeadLetterState] = ["FAILED", *["WAITING"] * 5, "FAILED", "PARKED"]  # type: ignore[list-item]
    async with alpha.work() as tx:
        for offset, (one, state) in enumerate(zip(events, states, strict=True)):
            record = raw_record(alpha.topic, one.partition, offset, 0, one.key, one.value, one.headers)
            await dead_letters.add(tx.connection, record, state, f"ValueError: reason\nof {offset}")
    return alpha


@pytest.fixture
def run_command(quarantined: Alpha, monkeypatch: pytest.MonkeyPatch) -> "RunCommand":
    return RunCommand(quarantined, monkeypatch)


class RunCommand:
    """Runs the command on Alpha."""

    def __init__(self, alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
        self.alpha = alpha

        @contextlib.asynccontextmanager
        async def consumer_of_service(service: str, home: Path) -> AsyncIterator[tuple[Consumer[Transaction], Pool]]:
            pool = await postgres.open_pool(alpha.url, name="command", size=5)
            own = Alpha(alpha.servers, alpha.url, pool, alpha.clock, alpha.name)
            own.spoilt = alpha.spoilt
            async with pool:
                yield own.consumer(), pool

        monkeypatch.setattr(detached_service, "open_consumer", consumer_of_service)

    async def __call__(self, *arguments: str) -> Result:
        return await asyncio.to_thread(lambda: CliRunner().invoke(command.app, [arguments[0], "alpha", *arguments[1:]]))


async def test_list_prints_a_page_with_a_line_an_event(run_command: RunCommand) -> None:
    listed = await run_command("list")
    lines = [line.split("\t") for line in listed.stdout.splitlines()]
    assert [(cells[1], cells[3]) for cells in lines] == [
        ("FAILED", "thing_1"),
        *[("WAITING", "thing_1")] * 5,
        ("FAILED", "thing_2"),
        ("PARKED", "thing_3"),
    ]
    assert lines[0][4] == "ValueError: reason of 0"
    assert lines[-1][2] == "alpha.thing.painted x"
    assert "2 FAILED, 5 WAITING, 1 PARKED" in listed.stderr
    page = await run_command("list", "--first", "3", "--after", lines[2][0])
    assert [line.split("\t")[0] for line in page.stdout.splitlines()] == [cells[0] for cells in lines[3:6]]


async def test_show_prints_the_whole_record(run_command: RunCommand) -> None:
    first = (await run_command("list")).stdout.split("\t")[0]
    shown = await run_command("show", first)
    assert shown.exit_code == 0
    for part in ("FAILED since", "ce_sequence", '{"thingId":"thing_1",', '"number":0', "reason\nof 0"):
        assert part in shown.stdout
    missing = await run_command("show", "999999")
    assert (missing.exit_code, "no dead letter 999999" in missing.stderr) == (2, True)


async def test_replay_of_one_replays_its_subject_in_order(run_command: RunCommand) -> None:
    lines = (await run_command("list")).stdout.splitlines()
    done = await run_command("replay", lines[2].split("\t")[0])  # a waiting one: the failed one is replayed first
    assert (done.exit_code, done.stdout) == (0, "6 handled, 0 failed again\n")
    assert await run_command.alpha.tally() == list(range(6))
    unknown = await run_command("replay", lines[-1].split("\t")[0])
    assert unknown.exit_code == 1
    assert "this build does not know" in unknown.stderr


async def test_replay_of_all_counts_those_that_failed_again(run_command: RunCommand) -> None:
    run_command.alpha.spoilt = {3}
    done = await run_command("replay")
    assert (done.exit_code, done.stdout) == (1, "4 handled, 2 failed again\n")
    assert await run_command.alpha.tally() == [0, 1, 2]
    assert await run_command.alpha.tally("thing_2") == [66]
    run_command.alpha.spoilt = set()
    again = await run_command("replay")
    assert (again.exit_code, again.stdout) == (1, "3 handled, 1 failed again\n")
    assert await run_command.alpha.tally() == list(range(6))
