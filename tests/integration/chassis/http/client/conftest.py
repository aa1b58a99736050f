"""Fixtures: every test of the client runs on asyncio's and uvloop's loops and leaves nothing open."""

import asyncio
import contextlib
import gc
import os
import stat
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from services.chassis.http.client.connection import HttpConnection
from tests.support.polling import until


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return the event loops to test with."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
async def no_leaks() -> AsyncIterator[None]:
    """Fail a test that leaves a task, a socket or a connection, or an unhandled error."""
    unheard: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(str(context)))
    sockets = count_sockets()
    yield

    async def left() -> tuple[int, int, int]:
        gc.collect()
        kept = [one for one in gc.get_objects() if type(one) is HttpConnection]
        return len(asyncio.all_tasks()) - 1, count_sockets() - sockets, len(kept)

    await until(left, lambda counts: counts == (0, 0, 0))
    assert unheard == []


def count_sockets() -> int:
    """Count the open sockets of this process, by its files: a list of its connections is one of the whole machine."""
    count = 0
    for file in Path("/dev/fd").iterdir():
        with contextlib.suppress(OSError):  # that of the list itself is closed
            count += stat.S_ISSOCK(os.fstat(int(file.name)).st_mode)
    return count
