"""The stack under faults, with a broker that the tests control, and proxies before the broker and PostgreSQL.

Only orders connects through the proxies.
"""

import asyncio
import contextlib
import csv
import shutil
from collections import deque
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg

from deploy.local.demo.load import EXPORT, load_demo
from deploy.local.environment import StackEnvironment
from deploy.local.secrets import SERVICES, load_secrets
from tests.faults.load import OrderableDay
from tests.faults.record import CommandRecord
from tests.support import quotas
from tests.support.broker import ControlledBroker
from tests.support.stack import RunningStack, new_stack
from tests.support.tcp_proxy import TcpProxy

_AGREEMENT_COPIES = 12
"""Number of copies of each agreement of the demonstration: so many more pickups can be ordered."""


class FaultStack:
    """The stack under faults, and the record of its acknowledged commands."""

    def __init__(
        self, stack: RunningStack, broker: ControlledBroker, to_kafka: TcpProxy, to_postgres: TcpProxy
    ) -> None:
        self.stack = stack
        self.broker = broker
        self.kafka_proxy = to_kafka
        self.postgres_proxy = to_postgres
        self.environment = StackEnvironment(stack.home, stack.ports, load_secrets(stack.home), {})
        self.record = CommandRecord(stack.home.root / "record")
        self.stock: deque[OrderableDay] = deque()
        self.allowed_mail_repeats = 0
        """Number of crashes that may have been between the mail server's acknowledgement and our mark."""
        self.expected_dead_letters = 0
        """Number of planted dead letters."""
        self.suspect = False
        """Whether there were findings, or a check did not end."""
        self.restored = False
        """Whether orders' database was restored to an earlier state."""

    def database_url(self, service: str) -> str:
        """Return the URL of the service's database, past any proxy and with the owner's role."""
        return self.environment.owner_database_url(service)

    @property
    def admin_url(self) -> str:
        return (
            f"postgresql://kierto:{self.environment.secrets.postgres_password}@{self.stack.ports.address('postgres')}"
        )

    @contextlib.asynccontextmanager
    async def databases(self) -> AsyncIterator[dict[str, "asyncpg.Connection[asyncpg.Record]"]]:
        """Open a connection to each service's database."""
        async with contextlib.AsyncExitStack() as stack:
            opened = {}
            for service in SERVICES:
                opened[service] = await asyncpg.connect(self.database_url(service))
                stack.push_async_callback(opened[service].close)
            yield opened

    def kierto(self, *arguments: str) -> "asyncio.Future[str]":
        """Run a host command and return its output; raise AssertionError if it fails."""

        def run() -> str:
            done = self.stack.kierto(*arguments)
            assert done.returncode == 0, f"kierto {' '.join(arguments)}: {done.stdout}{done.stderr}"
            return done.stdout

        return asyncio.ensure_future(asyncio.to_thread(run))


@contextlib.contextmanager
def run_fault_stack(full: bool) -> Iterator[FaultStack]:
    """Start everything, with more agreements than the demonstration has; stop and delete it all at the end."""
    stack = new_stack()
    stack.home.make()
    base = stack.ports.base
    kafka_again, kafka_proxy, postgres_proxy = base + 86, base + 87, base + 88
    ports = stack.ports
    broker = ControlledBroker(
        stack.home.root / "broker", ports.of("kafka"), ports.of("kafka-controller"), (kafka_again, kafka_proxy)
    )
    secrets = load_secrets(stack.home)
    runtime_password, owner_password = secrets.runtime_passwords["orders"], secrets.database_passwords["orders"]
    database = f"127.0.0.1:{postgres_proxy}/kierto_orders"
    stack.settings = (
        quotas.UNLIMITED_QUOTAS
        | quotas.UNLIMITED_MESSAGES
        | {
            "KIERTO_KAFKA": broker.address,
            "KIERTO_ORDERS_KAFKA": f"127.0.0.1:{kafka_proxy}",
            "KIERTO_ORDERS_DATABASE_URL": f"postgresql://kierto_orders_runtime:{runtime_password}@{database}",
            "KIERTO_ORDERS_OWNER_DATABASE_URL": f"postgresql://kierto_orders:{owner_password}@{database}",
        }
    )
    stack.program = "tests.support.mixed_builds"
    try:
        with TcpProxy(kafka_proxy, kafka_again) as to_kafka, TcpProxy(postgres_proxy, ports.of("postgres")) as to_db:
            broker.start()
            stack.start()
            fault_stack = FaultStack(stack, broker, to_kafka, to_db)
            load_demo(fault_stack.environment, _export(stack.home.root / "export-with-more", full))
            yield fault_stack
            stack.stop()
            broker.stop()
    finally:
        stack.stop()
        broker.stop()
        stack.delete()


def _export(folder: Path, full: bool) -> Path:
    """Write the demonstration's export with each agreement under several numbers, for more pickups to order.

    The short form is without the pickups of a year, which would be compared after each fault.
    """
    folder.mkdir()
    for file in EXPORT.glob("*.csv"):
        if full or file.name != "pickups.csv":
            shutil.copy(file, folder)
    agreements = folder / "agreements.csv"
    with agreements.open(encoding="utf-8", newline="") as source:
        header, *rows = csv.reader(source)
    with agreements.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerows([header, *rows])
        for number in range(1, _AGREEMENT_COPIES):
            writer.writerows([f"M{number:02}{row[0]}", *row[1:]] for row in rows)
    return folder
