"""The key ring of a process whose service declares sealed columns."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from deploy.local.files import write_atomically
from services.chassis.auth.sealed.key_ring import new_key_ring
from services.chassis.auth.sealed.sealed_value import SealedColumn, seal, unseal
from services.chassis.ids import new_uuid
from services.chassis.runtime.settings import InvalidSettings, ServiceSettings, SocketAddress
from services.hosting.processes import open_runtime
from services.stats.app import STATS
from tests.support.fixtures import MakeDatabase

COLUMN = SealedColumn("stats", "codes", "code")


async def runtime_of(url: str, sealed: Sequence[SealedColumn], key_ring_file: Path | None) -> bytes:
    """Open a runtime; return a secret that its key ring has sealed and unsealed."""
    settings = ServiceSettings(
        listen=SocketAddress("127.0.0.1", 0),
        database_url=url,
        kafka="127.0.0.1:1",
        identity_url="http://127.0.0.1:1",
        key_ring_file=key_ring_file,
    )
    async with open_runtime(msgspec.structs.replace(STATS, sealed=sealed), settings, "api") as runtime:
        place = COLUMN.place(new_uuid())
        return unseal(runtime.key_ring, place, seal(runtime.key_ring, place, b"secret"))


async def test_a_process_seals_with_the_ring_of_its_settings(make_database: MakeDatabase, tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    write_atomically(path, new_key_ring(dt.datetime.now(dt.UTC)).encode())

    assert await runtime_of(await make_database(STATS), [COLUMN], path) == b"secret"


@pytest.mark.parametrize(("file", "reason"), [(None, "is missing"), (Path("/nowhere/ring.json"), "is wrong: /nowhere")])
async def test_a_process_with_sealed_columns_needs_a_ring(
    make_database: MakeDatabase, file: Path | None, reason: str
) -> None:
    with pytest.raises(InvalidSettings, match=f"KIERTO_STATS_KEY_RING_FILE {reason}"):
        await runtime_of(await make_database(STATS), [COLUMN], file)


async def test_a_process_without_sealed_columns_needs_none(make_database: MakeDatabase) -> None:
    with pytest.raises(AssertionError, match="declares no sealed columns"):
        await runtime_of(await make_database(STATS), [], None)
