"""S5: support's database is restored from a backup: nobody is told again, and the staff decide what was uncertain."""

import asyncio
import contextlib
import datetime as dt
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from services.chassis.db.postgres import Pool
from services.chassis.ids import new_uuid, write_id
from services.chassis.jobs.job import JobHandler
from services.chassis.mail import MailSender, SendMail
from services.chassis.runtime.settings import SocketAddress
from services.contracts.identity.people import Language
from services.contracts.orders.events import OrderPlaced
from services.contracts.orders.orders import OrderKind, OrderState
from services.contracts.orders.summaries import OrderSummary
from services.contracts.permission import SubjectKind
from services.contracts.sites import Fraction
from services.contracts.support.held_messages import DecideHeldMessages, HeldMessage, HeldMessagesDecided
from services.contracts.values import Page
from services.support.messaging.jobs import MessageMails, messages_job
from tests.component.support.forms import an_id
from tests.component.support.message_sources import DAY, FakeOwners
from tests.integration.copies.backup import Backup
from tests.integration.copies.services_fixture import ServicesFixture
from tests.support.clock import TestClock
from tests.support.job_runner import running_jobs
from tests.support.polling import until
from tests.support.servers import Servers


class MessagesFixture:
    """Orders and support with their relays and consumers, support's jobs, and a mail server."""

    def __init__(self, services: ServicesFixture, backup: Backup, clock: TestClock) -> None:
        self.services = services
        self._backup = backup
        self.clock = clock
        self.owners = FakeOwners()
        self.told = Counter[str]()
        """The orders of which mails came, by their numbers."""
        self._site, self._organisation = an_id("site"), an_id("org")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        text = message_from_bytes(envelope.content).get_payload(0).get_payload(decode=True).decode()  # type: ignore[union-attr]
        self.told[next(order.number for order in self.owners.orders.values() if order.number in text)] += 1
        return "250 OK"

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Run relays, consumers and jobs for the length of a block."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(self, hostname="test"), sock=listener)
        support = self.services.harnesses["support"]
        sender = MailSender(
            support.pool,
            SocketAddress(*listener.getsockname()),
            "Kierto <kierto@example.fi>",
            self.clock,
            MessageMails(support.work, Language.FI),
        )
        handlers = messages_job(support.work, self.owners.sources), JobHandler(SendMail, sender.send)
        async with self.services.run(), running_jobs(support.pool, *handlers):
            yield
        server.close()

    async def place_orders(self, *numbers: str) -> None:
        """Place an order of each number, and let time pass."""
        orders = self.services.harnesses["orders"]
        for number in numbers:
            order_id = write_id("order", new_uuid())
            self.owners.orders[order_id] = OrderSummary(
                id=order_id, number=number, state=OrderState.SCHEDULED, fraction=Fraction.GLASS, date=DAY
            )
            async with orders.work() as tx:
                tx.emit(
                    OrderPlaced(
                        order_id=order_id,
                        organisation_id=self._organisation,
                        site_id=self._site,
                        agreement_id=an_id("agreement"),
                        article_id=an_id("article"),
                        fraction=Fraction.GLASS,
                        kind=OrderKind.EXTRA_PICKUP,
                        date=DAY,
                        state=OrderState.SCHEDULED,
                        version=1,
                    )
                )
        self.clock.move(minutes=1)

    async def await_told(self, *numbers: str) -> None:
        """Wait until each of these orders was told once."""
        await until(lambda: asyncio.sleep(0, self.told), lambda told: told == Counter(numbers))

    async def held(self) -> dict[str, HeldMessage]:
        """Return the held messages by the numbers of their orders."""
        staff = self.services.harnesses["support"].api(self._staff)
        return {
            self.owners.orders[edge.node.subject_id].number: edge.node
            for edge in (await staff.held_messages(Page())).edges
        }

    async def restore(self, service: str, *lost: str) -> None:
        """Have two orders told, back a service up, have the ``lost`` ones told, and restore the backup."""
        # The backup has the access of an employee.
        self._staff = await self.services.harnesses["support"].caller(kind=SubjectKind.STAFF)
        async with self.run():
            await self.place_orders("A1", "A2")
            await self.await_told("A1", "A2")
        await self._backup.make(service)
        async with self.run():
            await self.place_orders(*lost)
            await self.await_told("A1", "A2", *lost)
        await self._backup.restore(service)

    async def decide(self, *ids: str, send: bool) -> None:
        command = DecideHeldMessages(idempotency_key=f"{send}", ids=list(ids), send=send)
        decided = await self.services.harnesses["support"].api(self._staff).decide_held_messages(command)
        assert decided == HeldMessagesDecided(decided=len(ids), skipped=0)


@pytest.fixture
async def messages(
    stopped_services: ServicesFixture,
    server_addresses: Servers,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
) -> AsyncIterator[MessagesFixture]:
    clock.instant = dt.datetime(2026, 12, 27, 9, tzinfo=dt.UTC)
    backup = Backup(stopped_services, server_addresses, open_pool)
    yield MessagesFixture(stopped_services, backup, clock)
    await backup.delete()


async def test_a_restore_tells_nobody_again(messages: MessagesFixture) -> None:
    await messages.restore("support", "B1", "B2", "B3")
    async with messages.run():
        held = await until(messages.held, lambda found: len(found) == 3)
        assert held.keys() == {"B1", "B2", "B3"}
        messages.clock.move(minutes=1)
        await messages.place_orders("C1")
        await messages.await_told("A1", "A2", "B1", "B2", "B3", "C1")
        await messages.decide(held["B1"].id, send=True)
        await messages.decide(held["B2"].id, held["B3"].id, send=False)
        await messages.await_told("A1", "A2", "B1", "B1", "B2", "B3", "C1")
    assert messages.told == Counter({"A1": 1, "A2": 1, "B1": 2, "B2": 1, "B3": 1, "C1": 1})


async def test_a_restore_of_another_service_tells_nobody_again(messages: MessagesFixture) -> None:
    await messages.restore("orders", "B1", "B2")
    async with messages.run():
        await messages.place_orders("C1")
        await messages.await_told("A1", "A2", "B1", "B2", "C1")
        await messages.services.announce("orders")
        await messages.place_orders("C2")
        await messages.await_told("A1", "A2", "B1", "B2", "C1", "C2")
        assert await messages.held() == {}
