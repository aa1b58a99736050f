"""Rotation of a key ring while two processes read and write, killed at every step and repeated."""

import asyncio
import contextlib
import datetime as dt
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from deploy import key_rotation
from deploy.commands.progress import ProgressLines
from deploy.key_rotation import count_rows, rotate
from deploy.local.detached_service import blueprint_of
from deploy.local.files import write_atomically
from services.chassis.auth.sealed.key_ring import KeyState, new_key_ring, read_key_ring
from services.chassis.auth.sealed.key_ring_reader import KeyRingReader
from services.chassis.auth.sealed.reencryption import BATCH_ROWS
from services.chassis.auth.sealed.sealed_value import SealedColumn, seal
from services.chassis.db.postgres import Pool
from tests.integration.deploy.sealed_table import COLUMN, make_table, owner, unseal_all
from tests.support.fixtures import MakeDatabase
from tests.support.owner import execute_as_owner
from tests.support.polling import until
from tests.support.servers import ROOT, RUNTIME

ROWS = 5 * BATCH_ROWS


class SealedTable:
    """The table in a database of its own, and its key ring."""

    def __init__(self, url: str, pool: Pool, key_ring_file: Path) -> None:
        self.url = url
        self.pool = pool
        self.key_ring_file = key_ring_file
        self.owner = owner(pool, key_ring_file)
        self.first_key = read_key_ring(key_ring_file).in_use.id

    @contextlib.asynccontextmanager
    async def process(self, role: str) -> AsyncIterator[Process]:
        """Run a process of the table; kill it at the end if it still runs."""
        command = ("-P", "-m", "tests.integration.deploy.sealed_table", role, self.url, str(self.key_ring_file))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdin=PIPE, stdout=PIPE
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def kill_rotation(self, at: Callable[[str], bool]) -> None:
        """Rotate until a line of the progress, and kill the rotation there."""
        async with self.process("rotate") as rotation:
            await proceed(rotation, at)

    async def kill_rotation_in_transaction(self) -> None:
        """Kill a rotation that has locked a batch of rows and is about to write them."""
        async with self.process("rotate") as rotation:
            await proceed(rotation, lambda line: " of " in line)
            async with self.pool.acquire() as connection, connection.transaction():
                await connection.execute("LOCK TABLE codes IN SHARE MODE")
                go_on(rotation)
                await until(self._rotation_waits)
                rotation.kill()
                await rotation.wait()

    async def rotate_to_the_end(self) -> None:
        async with self.process("rotate") as rotation:
            await proceed(rotation, lambda line: not line)
            assert await rotation.wait() == 0

    async def _rotation_waits(self) -> bool:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rotation' AND wait_event_type = 'Lock'"
        )
        return bool(await self.pool.fetchval(f"{waiting} AND datname = current_database()"))


@pytest.fixture
async def table(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], tmp_path: Path
) -> SealedTable:
    path = tmp_path / "ring.json"
    write_atomically(path, new_key_ring(dt.datetime.now(dt.UTC)).encode())
    url = await make_database(blueprint_of("support"))
    pool = await open_pool(url)
    await make_table(pool, KeyRingReader(path), ROWS)
    return SealedTable(url, pool, path)


@pytest.fixture
def no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the time for other processes to read the ring."""
    monkeypatch.setattr(key_rotation, "DISTRIBUTION_S", 0)


async def proceed(rotation: Process, at: Callable[[str], bool]) -> None:
    """Let a rotation go on until a line of its progress, where it waits."""
    assert rotation.stdout is not None
    while not at(line := (await rotation.stdout.readline()).decode().strip()):
        assert line, "the rotation ended before"
        go_on(rotation)


def go_on(rotation: Process) -> None:
    assert rotation.stdin is not None
    rotation.stdin.write(b"\n")


async def until_seals_with(load: Process, key_id: str) -> None:
    assert load.stdout is not None
    while line := (await load.stdout.readline()).decode().strip():
        if line == key_id:
            return
    raise AssertionError("the load ended")


async def test_every_value_stays_readable_while_a_rotation_is_killed_and_repeated(table: SealedTable) -> None:
    async with table.process("load") as one, table.process("load") as other:
        await asyncio.gather(*(until_seals_with(load, table.first_key) for load in (one, other)))
        await table.kill_rotation(lambda line: "is distributed" in line)
        new = read_key_ring(table.key_ring_file).distributed
        assert new is not None
        await table.kill_rotation(lambda line: "is in use" in line)
        await asyncio.gather(*(until_seals_with(load, new.id) for load in (one, other)))
        await table.kill_rotation(lambda line: f": {BATCH_ROWS} of" in line)
        rows = await count_rows(table.owner)
        assert min(rows[new.id], rows[table.first_key]) >= BATCH_ROWS
        await table.kill_rotation_in_transaction()
        assert (await count_rows(table.owner))[table.first_key] == rows[table.first_key]
        await table.rotate_to_the_end()
        for load in (one, other):
            load.send_signal(signal.SIGTERM)
            assert await load.wait() == 0

    await table.rotate_to_the_end()
    ring = read_key_ring(table.key_ring_file)
    assert [(key.id, key.state) for key in ring.keys] == [
        (table.first_key, KeyState.RETIRING),
        (new.id, KeyState.IN_USE),
    ]
    assert ring.retiring[0].unused_since is not None
    count = await unseal_all(table.pool, KeyRingReader(table.key_ring_file))
    assert await count_rows(table.owner) == {new.id: count}
    assert count > ROWS


class _Stopped(Exception):
    """The rotation is stopped by its progress."""


class _ReaderOfNewKey:
    """A process that has read the ring an instant before the rotation, and meets a value when its key is in use."""

    def __init__(self, table: SealedTable) -> None:
        self._table = table
        self._reader = KeyRingReader(table.key_ring_file)
        self.met: str | None = None

    def step(self, name: str, done: int, total: int) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        if "is in use" in text:
            self.met = read_key_ring(self._table.key_ring_file).in_use.id
            assert self._reader.find(self.met) is not None
            raise _Stopped


async def test_a_process_that_has_just_read_the_ring_knows_a_key_once_it_is_used(table: SealedTable) -> None:
    reader = _ReaderOfNewKey(table)

    with pytest.raises(_Stopped):
        await rotate(table.owner, reader)
    assert reader.met not in (None, table.first_key)


async def test_a_row_that_is_locked_is_re_encrypted_later(table: SealedTable, no_other_process: None) -> None:
    async def left() -> int:
        return (await count_rows(table.owner)).get(table.first_key, 0)

    async with asyncio.TaskGroup() as group, table.pool.acquire() as locker, locker.transaction():
        await locker.execute("SELECT FROM codes ORDER BY id LIMIT 1 FOR UPDATE")
        rotation = group.create_task(rotate(table.owner, ProgressLines()))
        await until(left, lambda rows: rows == 1)
        assert not rotation.done()

    result = rotation.result()
    assert result.rows == {result.ring.in_use.id: ROWS}


async def test_a_value_that_does_not_unseal_keeps_its_key(
    table: SealedTable, no_other_process: None, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = await table.pool.fetchval(
        "UPDATE codes SET code = set_byte(code, 30, get_byte(code, 30) # 1) "
        "WHERE id = (SELECT id FROM codes WHERE code IS NOT NULL ORDER BY id LIMIT 1) RETURNING id"
    )

    result = await rotate(table.owner, ProgressLines())

    assert result.unreadable == 1
    assert result.rows == {result.ring.in_use.id: ROWS - 1, table.first_key: 1}
    assert result.ring.retiring[0].unused_since is None
    logged = capsys.readouterr().out
    assert "sealed value not readable" in logged
    assert str(changed) in logged
    assert "NotAuthentic" in logged


async def test_all_columns_of_a_service_are_re_encrypted(table: SealedTable, no_other_process: None) -> None:
    """A column with another type of key, whose rows have the order of their numbers."""
    notes = SealedColumn("support", "notes", "body", row="number")
    await execute_as_owner(
        table.pool,
        f"CREATE TABLE notes (number bigint PRIMARY KEY, body bytea NOT NULL); GRANT ALL ON notes TO {RUNTIME}",
    )
    ring = KeyRingReader(table.key_ring_file)
    values = [(number, seal(ring, notes.place(number), b"body")) for number in range(1, BATCH_ROWS + 2)]
    await table.pool.executemany("INSERT INTO notes VALUES ($1, $2)", values)

    result = await rotate(owner(table.pool, table.key_ring_file, [COLUMN, notes]), ProgressLines())

    assert result.rows == {result.ring.in_use.id: ROWS + BATCH_ROWS + 1}
