"""The files of imports, as a service takes them and gives them: whole, or nothing of them."""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from services.access import upload
from services.chassis.imports import Imports
from services.chassis.postgres import Pool
from services.sites.app import SITES
from tests.component.permission.callers import Door, Who, open_door
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.wait import until

HEADER = b"container_number,site_number,fraction,litres,count\n"
LARGE = b"C1,50,RESIDUAL,660,1\n" * 200_000


@pytest.fixture
async def door(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> AsyncIterator[Door]:
    url = await make_database(SITES)
    async with open_door(SITES, url, await open_pool(url), clock, tmp_path) as opened:
        yield opened


async def kept(door: Door) -> int:
    """Rows that were kept of any file."""
    found = await door.base.pool.fetchval(
        "SELECT (SELECT count(*) FROM chassis.imports) + (SELECT count(*) FROM chassis.import_rows)"
    )
    return int(found)


async def whole(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_a_file_that_breaks_off_leaves_nothing(door: Door) -> None:
    """It is longer than what is held in memory, so part of it lay on the disk."""
    await door.upload(Who.STAFF, "elephants", b"")  # whatever is opened once is open
    before = psutil.Process().num_fds()
    began = False

    async def breaks_off() -> AsyncIterator[bytes]:
        nonlocal began
        yield HEADER
        yield LARGE

        async def taken() -> bool:
            return psutil.Process().num_fds() > before

        began = await until(taken)
        raise ConnectionError

    with pytest.raises((ConnectionError, aiohttp.ClientError)):
        await door.upload(Who.STAFF, "containers", breaks_off())

    async def open_files() -> int:
        return psutil.Process().num_fds()

    await until(open_files, lambda count: count <= before)
    assert began
    assert await kept(door) == 0


async def test_a_file_that_grows_too_large_leaves_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "LARGEST_FILE", 1_000_000)
    assert await door.upload(Who.STAFF, "containers", whole(HEADER, LARGE)) == 413
    assert await kept(door) == 0


async def staged(imports: Imports[Any], rows: int, name: str = "containers.csv") -> str:
    """An import all of whose rows are bad."""
    file = HEADER + b"".join(b"%d,too few\n" % number for number in range(rows))
    return (await imports.stage("containers", name, io.BytesIO(file))).id


@pytest.mark.parametrize("rows", [0, 1, 1000, 2500])
async def test_every_bad_row_comes_once_in_the_order_of_the_file(door: Door, rows: int) -> None:
    other = await staged(door.base.imports, 3)
    import_id = await staged(door.base.imports, rows)
    assert other != import_id
    status, text = await door.download(Who.STAFF, f"/imports/{import_id}/bad-rows")
    assert status == 200
    header, *lines = csv.reader(io.StringIO(text.decode(), newline=""), strict=True)
    assert header == ["line", "field", "code", "reason"]
    assert [int(line) for line, *_ in lines] == list(range(2, rows + 2))
    assert {tuple(rest) for _, *rest in lines} <= {("", "WRONG_CELL_COUNT", "has 2 cells, the header has 5")}
    assert text.count(b"\r\n") == rows + 1


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("containers.csv", 'attachment; filename="containers-bad-rows.csv"'),
        ("jäte\r\n.csv", "attachment; filename=\"j_te__-bad-rows.csv\"; filename*=UTF-8''j%C3%A4te__-bad-rows.csv"),
        ("../../x", 'attachment; filename="x-bad-rows.csv"'),
    ],
)
async def test_it_is_named_after_its_file(door: Door, name: str, saved: str) -> None:
    import_id = await staged(door.base.imports, 1, name)
    assert (await door.fields(Who.STAFF, f"/imports/{import_id}/bad-rows"))["Content-Disposition"] == saved
