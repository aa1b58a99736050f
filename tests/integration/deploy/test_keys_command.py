"""`kierto keys` on a service with a sealed column: its lists, its rotations, and what they refuse."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from deploy import key_rotation
from deploy.commands import keys as command
from deploy.key_rotation import change_key_ring
from deploy.local.detached_service import blueprint_of
from deploy.local.errors import StackError
from deploy.local.files import write_atomically
from services.chassis.auth.sealed.key_ring import KeyRing, KeyState, new_key_ring, read_key_ring
from services.chassis.auth.sealed.key_ring_reader import KeyRingReader
from services.chassis.db.postgres import Pool
from services.support import app as support
from tests.integration.deploy.sealed_table import COLUMN, make_table
from tests.support.fixtures import MakeDatabase

ROWS = 7


class KeysCommand:
    """Runs the command on support, with a table that has a sealed column."""

    def __init__(self, pool: Pool, key_ring_file: Path) -> None:
        self.pool = pool
        self.key_ring_file = key_ring_file

    async def __call__(self, *arguments: str) -> Result:
        name, *options = arguments
        return await asyncio.to_thread(lambda: CliRunner().invoke(command.app, [name, "support", *options]))

    @property
    def ring(self) -> KeyRing:
        return read_key_ring(self.key_ring_file)

    def age(self, days: int) -> None:
        """Move the instants since which retiring keys are unused into the past."""

        def older(ring: KeyRing) -> KeyRing:
            by = dt.timedelta(days=days)
            return KeyRing(
                tuple(
                    msgspec.structs.replace(key, unused_since=key.unused_since - by) if key.unused_since else key
                    for key in ring.keys
                )
            )

        change_key_ring(self.key_ring_file, older)


@pytest.fixture
async def keys(
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> KeysCommand:
    path = tmp_path / "ring.json"
    write_atomically(path, new_key_ring(dt.datetime.now(dt.UTC)).encode())
    url = await make_database(blueprint_of("support"))
    pool = await open_pool(url)
    await make_table(pool, KeyRingReader(path), ROWS)
    monkeypatch.setattr(support, "SUPPORT", msgspec.structs.replace(support.SUPPORT, sealed=[COLUMN]))
    monkeypatch.setattr(key_rotation, "DISTRIBUTION_S", 0)
    for name, value in (("SUPPORT_DATABASE_URL", url), ("SUPPORT_KEY_RING_FILE", str(path)), ("BACKUP_DAYS", "30")):
        monkeypatch.setenv(f"KIERTO_{name}", value)
    return KeysCommand(pool, path)


def cells(listed: Result) -> list[list[str]]:
    """Return service, key, state's last word and rows of each line."""
    assert listed.exit_code == 0
    lines = [line.replace("in use", "in-use").split() for line in listed.stdout.splitlines()[1:]]
    return [[*words[:3], *words[5:6]] for words in lines]


async def test_a_rotation_is_listed_and_its_former_key_retired_after_the_backups(keys: KeysCommand) -> None:
    first = keys.ring.in_use.id
    assert cells(await keys("list")) == [["support", first, "in-use", "7"]]

    rotated = await keys("rotate")

    second = keys.ring.in_use.id
    assert rotated.exit_code == 0
    assert rotated.stdout == (
        f"support: key {second} is in use, by 7 rows\nsupport: key {first} is kept: backups may have it\n"
    )
    assert cells(await keys("list")) == [["support", first, "retiring", "0"], ["support", second, "in-use", "7"]]
    keys.age(days=29)
    assert "backups may have it" in (await keys("rotate")).stdout
    keys.age(days=2)
    assert f"key {first} is retired" in (await keys("rotate")).stderr
    assert cells(await keys("list")) == [["support", first, "retired", "0"], ["support", second, "in-use", "7"]]


async def test_a_key_is_distributed_apart(keys: KeysCommand) -> None:
    first = keys.ring.in_use.id

    distributed = await keys("rotate", "--distribute-only")

    second = keys.ring.distributed
    assert second is not None
    assert distributed.exit_code == 0
    assert f"key {second.id} is distributed" in distributed.stderr
    assert (keys.ring.in_use.id, (await keys("rotate")).exit_code) == (first, 0)
    assert keys.ring.in_use.id == second.id


async def test_another_rotation_does_not_wait_for_backups(keys: KeysCommand) -> None:
    await keys("rotate")
    second = keys.ring.in_use.id
    await keys("rotate", "--another")

    assert [key.state for key in keys.ring.keys] == [KeyState.RETIRING, KeyState.RETIRING, KeyState.IN_USE]
    assert cells(await keys("list"))[2][3] == "7"
    assert keys.ring.in_use.id != second


async def test_values_that_do_not_unseal_are_counted_and_listed(keys: KeysCommand) -> None:
    first = keys.ring.in_use.id
    ids = await keys.pool.fetch("SELECT id FROM codes WHERE code IS NOT NULL LIMIT 2")
    await keys.pool.execute("UPDATE codes SET code = set_byte(code, 30, 0) WHERE id = $1", ids[0]["id"])
    await keys.pool.execute(
        "UPDATE codes SET code = overlay(code PLACING $2 FROM 2) WHERE id = $1", ids[1]["id"], bytes(8)
    )

    rotated = await keys("rotate")

    assert rotated.exit_code == 1
    assert f"support: key {first} is kept: 1 rows have it\n" in rotated.stdout
    assert "support: 2 values do not unseal; the log names their rows\n" in rotated.stdout
    listed = (await keys("list")).stdout.splitlines()
    assert listed[-1].split() == ["support", "00" * 8, "unknown", "1"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("BACKUP_DAYS", "", "KIERTO_SUPPORT_BACKUP_DAYS is missing"),
        ("BACKUP_DAYS", "0", "KIERTO_BACKUP_DAYS is wrong"),
        ("SUPPORT_KEY_RING_FILE", "", "KIERTO_SUPPORT_KEY_RING_FILE is missing"),
        ("SUPPORT_KEY_RING_FILE", "/nowhere/ring.json", "/nowhere/ring.json: No such file"),
    ],
)
async def test_no_setting_has_a_default(
    keys: KeysCommand, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(f"KIERTO_{name}", value)

    result = await keys("rotate")

    assert isinstance(result.exception, StackError)
    assert reason in str(result.exception)


async def test_an_unknown_service_is_named_with_the_known_ones() -> None:
    result = CliRunner().invoke(command.app, ["list", "accounting"])

    assert result.exit_code == 2
    assert "identity" in result.output
