"""The schedule: recurring jobs and due rows by Kierto's clock, each enqueued once."""

import asyncio
import datetime as dt
import uuid
import zoneinfo

import pytest

from services.chassis.jobs import schedule
from services.chassis.jobs.job import Job
from services.chassis.jobs.schedule import DueRows, JobSchedule, Recurring
from tests.support.alpha import Alpha
from tests.support.owner import execute_as_owner
from tests.support.polling import until
from tests.support.servers import RUNTIME

HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")


class Sweep(Job, frozen=True, kw_only=True, tag="sweep"):
    """A recurring job."""


class Remind(Job, frozen=True, kw_only=True, tag="remind"):
    """The job of a due row."""

    note_id: uuid.UUID


HOURLY = Recurring(job=Sweep(), every=dt.timedelta(hours=1))
NOTES = DueRows(
    query="SELECT id FROM notes WHERE due_at <= $1 ORDER BY due_at LIMIT $2", job=lambda row: Remind(note_id=row["id"])
)


@pytest.fixture
async def notes(alpha: Alpha) -> None:
    table = f"CREATE TABLE notes (id uuid PRIMARY KEY, due_at timestamptz); GRANT ALL ON notes TO {RUNTIME}"
    await execute_as_owner(alpha.pool, table)


async def jobs(alpha: Alpha) -> list[str]:
    rows = await alpha.pool.fetch("SELECT entrypoint FROM chassis.pgqueuer ORDER BY id")
    return [row["entrypoint"] for row in rows]


async def finish(alpha: Alpha) -> None:
    await alpha.pool.execute("DELETE FROM chassis.pgqueuer")


async def test_a_recurring_job_is_due_at_once_and_then_each_period(alpha: Alpha) -> None:
    hourly = JobSchedule(alpha.pool, alpha.clock, [HOURLY], [])
    for _ in range(3):
        await hourly.tick()
        assert await jobs(alpha) == ["sweep"]
    await finish(alpha)
    alpha.clock.move(minutes=59)
    await hourly.tick()
    assert await jobs(alpha) == []
    alpha.clock.move(minutes=1)
    await asyncio.gather(*(JobSchedule(alpha.pool, alpha.clock, [HOURLY], []).tick() for _ in range(5)))
    assert await jobs(alpha) == ["sweep"]


async def test_an_occurrence_is_left_out_while_the_last_one_is_in_the_queue(alpha: Alpha) -> None:
    hourly = JobSchedule(alpha.pool, alpha.clock, [HOURLY], [])
    for _ in range(3):
        await hourly.tick()
        alpha.clock.move(hours=1)
    assert await jobs(alpha) == ["sweep"]


async def test_a_clock_that_was_moved_back_does_not_stop_a_recurring_job(alpha: Alpha) -> None:
    hourly = JobSchedule(alpha.pool, alpha.clock, [HOURLY], [])
    alpha.clock.move(days=2000)
    await hourly.tick()
    await finish(alpha)
    alpha.clock.move(days=-2000)
    await hourly.tick()
    assert await jobs(alpha) == ["sweep"]


@pytest.mark.parametrize(
    ("now", "following"),
    [
        ("2026-03-04 01:59+02:00", "2026-03-04 03:30+02:00"),
        ("2026-03-04 03:30+02:00", "2026-03-05 03:30+02:00"),
        ("2026-03-28 12:00+02:00", "2026-03-29 04:30+03:00"),  # 3:30 is left out: the clock goes from 3 to 4
        ("2026-10-24 12:00+03:00", "2026-10-25 03:30+03:00"),  # 3:30 comes twice
        ("2026-10-25 03:30+03:00", "2026-10-26 03:30+02:00"),
    ],
)
def test_a_daily_job_follows_the_operators_zone(now: str, following: str) -> None:
    daily = Recurring(job=Sweep(), daily_at=dt.time(3, 30))
    assert daily.next_after(dt.datetime.fromisoformat(now), HELSINKI) == dt.datetime.fromisoformat(following)


@pytest.mark.usefixtures("notes")
async def test_due_rows_are_enqueued_once_until_their_job_is_done(alpha: Alpha) -> None:
    due = JobSchedule(alpha.pool, alpha.clock, [], [NOTES])
    soon, later = uuid.UUID(int=1), uuid.UUID(int=2)
    for note, hours in ((soon, 1), (later, 2)):
        await alpha.pool.execute(
            "INSERT INTO notes VALUES ($1, $2)", note, alpha.clock.now() + dt.timedelta(hours=hours)
        )
    await due.tick()
    assert await jobs(alpha) == []
    alpha.clock.move(hours=1)
    await due.tick()
    await due.tick()
    assert await jobs(alpha) == ["remind"]
    await finish(alpha)
    await due.tick()
    assert await jobs(alpha) == ["remind"], "the row is due until its job has moved it"


@pytest.mark.usefixtures("notes")
async def test_the_row_of_a_held_job_is_not_enqueued_again(alpha: Alpha) -> None:
    due = JobSchedule(alpha.pool, alpha.clock, [], [NOTES])
    await alpha.pool.execute("INSERT INTO notes VALUES ($1, $2)", uuid.UUID(int=1), alpha.clock.now())
    await due.tick()
    await alpha.pool.execute("UPDATE chassis.pgqueuer SET status = 'failed'")
    await due.tick()
    assert await jobs(alpha) == ["remind"]


async def test_a_moved_clock_is_followed_before_the_next_minute(alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "TICK_S", 3600)
    stop = asyncio.Event()
    running = asyncio.ensure_future(JobSchedule(alpha.pool, alpha.clock, [HOURLY], []).run(stop))
    await until(lambda: jobs(alpha))
    await finish(alpha)
    alpha.clock.move(hours=1)
    await until(lambda: jobs(alpha))
    stop.set()
    await running
