"""S5: SIGKILL in the middle of many messages, and every event again: nobody gets anything twice.

The one allowed case: the process dies between the server's yes and the commit. Both mails have one Message-ID then.
"""

import asyncio
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from services.chassis.db.postgres import Pool
from services.support.app import SUPPORT
from tests.component.support.forms import Harness, an_id, known_site, member_of
from tests.component.support.message_sources import Customer, FakeOwners, address_of, set_last_restore
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.hypothesis_profiles import max_examples
from tests.support.polling import until
from tests.support.service_harness import ServiceHarness

KILLS = 3
MEMBERS = 2
IN_FLIGHT = 100
"""Mails of one process that the server may have accepted without their commit: as many as run at the same time."""


class Mailbox:
    """A mail server that counts what it takes, by recipient and Message-ID."""

    def __init__(self) -> None:
        self.taken = Counter[tuple[str, str]]()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content)
        self.taken[envelope.rcpt_tos[0], message["Message-ID"]] += 1
        return "250 OK"


@pytest.mark.hypothesis
async def test_killed_processes_tell_everybody_once(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock
) -> None:
    database_url = await make_database(SUPPORT)
    harness: Harness = ServiceHarness(SUPPORT, await open_pool(database_url), clock)
    await set_last_restore(harness.pool, None)
    org, count = an_id("org"), max_examples(500)
    site = await known_site(harness, org)
    members = [(await member_of(harness, org)).subject_id for _ in range(MEMBERS)]
    customers = [Customer(harness, FakeOwners(), org, site) for _ in range(count)]
    mailbox = Mailbox()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox, hostname="test"), sock=listener)
    command = [sys.executable, "-m", "tests.component.support.messages_process", database_url]
    command += [str(listener.getsockname()[1]), clock.now().isoformat()]

    async def arrived() -> int:
        return len(mailbox.taken)

    for customer in customers:
        await customer.placed()
    for killed in range(KILLS):
        process = subprocess.Popen(command)
        await until(arrived, lambda number, least=(killed + 1) * count // 4: number >= least, within=60)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.wait()
        # The heartbeats of the killed process end now, and not seconds later.
        await harness.pool.execute("UPDATE chassis.pgqueuer SET heartbeat = '-infinity' WHERE status = 'picked'")
        # Its claims of mails, too.
        await harness.pool.execute("UPDATE chassis.mail SET claimed_until = '-infinity'")
        for customer in customers[:10]:
            await customer.placed()
    process = subprocess.Popen(command)
    unsent = "SELECT count(*) FROM chassis.mail WHERE sent_at IS NULL"
    due = "SELECT count(*) FROM message_causes WHERE due_at IS NOT NULL"

    async def left() -> int:
        return int(await harness.pool.fetchval(f"SELECT ({unsent}) + ({due})"))

    await until(left, lambda number: number == 0, within=120)
    process.terminate()
    process.wait()
    server.close()

    assert len(mailbox.taken) == len({message_id for _, message_id in mailbox.taken}) == count * MEMBERS
    assert Counter(recipient for recipient, _ in mailbox.taken) == {address_of(one): count for one in members}
    assert await harness.pool.fetchval("SELECT count(*) FROM messages") == count * MEMBERS
    assert sum(mailbox.taken.values()) - len(mailbox.taken) <= KILLS * IN_FLIGHT
