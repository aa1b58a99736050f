"""A process that sends messages and their mails, as support's jobs process does, for tests that kill it.

``python -m tests.component.support.messages_process DATABASE_URL SMTP_PORT NOW`` runs the jobs until SIGTERM.
"""

import asyncio
import datetime as dt
import signal
import sys

from services.chassis.db import postgres
from services.chassis.jobs.job import AnyJobHandler, JobHandler
from services.chassis.jobs.runner import JobRunner
from services.chassis.mail import MailSender, SendMail
from services.chassis.runtime.settings import SocketAddress
from services.contracts.identity.people import Language
from services.contracts.orders.orders import OrderState
from services.contracts.orders.summaries import OrderSummary
from services.support.app import SUPPORT
from services.support.messaging.jobs import MessageMails, messages_job
from tests.component.support.message_sources import DAY, FakeOwners
from tests.support.clock import TestClock
from tests.support.service_harness import ServiceHarness


class AllOrders(dict[str, OrderSummary]):
    """Every order, each scheduled."""

    def get(self, key: str, default: object = None) -> OrderSummary:
        return OrderSummary(id=key, number=key, state=OrderState.SCHEDULED, fraction=None, date=DAY)


async def _main(url: str, smtp_port: str, now: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    pool = await postgres.open_pool(url, name="messages", size=6)
    harness = ServiceHarness(SUPPORT, pool, TestClock(dt.datetime.fromisoformat(now)))
    owners = FakeOwners()
    owners.orders = AllOrders()
    server = SocketAddress("127.0.0.1", int(smtp_port))
    mails = MessageMails(harness.work, Language.FI)
    sender = MailSender(pool, server, "Kierto <kierto@example.fi>", harness.clock, mails)
    handlers: list[AnyJobHandler] = [messages_job(harness.work, owners.sources), JobHandler(SendMail, sender.send)]
    await JobRunner(pool, handlers).run(stop)
    await pool.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
