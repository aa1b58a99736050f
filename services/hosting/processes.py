"""How a service's processes are put together, the same for all five: api, worker, relay, migrate.

A service describes itself as a Blueprint in its ``app.py``; the rest follows from that.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from starlette.routing import BaseRoute

from services.access import copy
from services.access.authentication import CallerAuthenticator
from services.access.caller import Caller
from services.access.service_operations import permit
from services.access.service_token import ServiceTokens
from services.chassis import process
from services.chassis.auth.tokens import Verifier
from services.chassis.db import migrations, postgres, retention
from services.chassis.db.postgres import DatabaseConnection, Pool
from services.chassis.events.consume.consumer import Consumer
from services.chassis.events.consume.handlers import Handlers
from services.chassis.events.copies.announcement import Announcement
from services.chassis.events.copies.rebuild import Copy
from services.chassis.events.notifier import OutboxNotifier
from services.chassis.events.publish import relay_metrics
from services.chassis.events.publish.relay import Relay
from services.chassis.events.transaction import PostgresUnitOfWork, Transaction
from services.chassis.http.client.origin import Origin
from services.chassis.imports.export_files import ImportKind
from services.chassis.imports.importer import FileImporter
from services.chassis.mail import MailSender
from services.chassis.process import ProcessParts
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.rpc.server import routes
from services.chassis.runtime.clock import Clock, SystemClock
from services.chassis.runtime.health import Check
from services.chassis.runtime.settings import ServiceSettings, load_or_exit
from services.chassis.telemetry import logging
from services.contracts.declare import topic_of
from services.contracts.identity import AccessStated, Identity
from services.hosting.import_resource import import_resource

T = TypeVar("T", bound=Transaction)
P = TypeVar("P")

_POOL_SIZES = {"api": 8, "worker": 5, "relay": 2}


class ServiceRuntime(Generic[T]):
    """What a process of a service stands on, made once at its start."""

    def __init__(
        self,
        settings: ServiceSettings,
        clock: Clock,
        pool: Pool,
        waker: OutboxNotifier,
        identity: ServiceChannel,
        blueprint: "Blueprint[T, Any]",
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.pool = pool
        self.waker = waker
        self.work: PostgresUnitOfWork[T] = PostgresUnitOfWork(pool, clock, blueprint.transaction, waker.notify)
        self.imports: FileImporter[T] = FileImporter(blueprint.name, pool, self.work, blueprint.imports(self))
        self.identity = identity
        self.tokens = ServiceTokens(blueprint.name, settings.service_secret, self.identity, clock)

    async def fetch_access(self, subject_id: str) -> AccessStated | None:
        """A subject's access as identity has it now."""
        return await client(Identity, self.identity, await self.tokens.headers()).access_of(subject_id)

    async def public_keys(self) -> str:
        """The keys that verify tokens, from identity."""
        return (await client(Identity, self.identity, {}).public_keys()).jwks


class Blueprint(msgspec.Struct, Generic[T, P], frozen=True, kw_only=True):
    """What is a service's own.

    ``contract`` is what it offers and ``bind`` the offering for one caller; ``transaction`` its unit of work's shape;
    ``listens`` the services whose topics it reads, ``handlers`` the use case of each event; ``imports`` the files it
    takes in; ``announcements`` how its things are stated again; ``copies`` what it keeps of others' (in an order in
    which none refers to a later one), ``recompute`` what it computes from them; ``partners_topic`` whether
    partners read its public events from Kafka; ``versioned`` its own tables with a ``version`` that its events carry;
    ``settings`` its settings; ``routes`` and ``loops`` what it has beside all that.
    """

    name: str
    contract: type[P]
    settings: type[ServiceSettings] = ServiceSettings
    migrations: Path
    transaction: Callable[[DatabaseConnection, Clock], T]
    bind: Callable[[ServiceRuntime[T]], Callable[[Caller], P]]
    subscribes_to: Sequence[str] = ()
    handlers: Callable[[ServiceRuntime[T]], Handlers[T]]
    partners_topic: bool = False
    versioned: Sequence[str] = ()
    imports: Callable[[ServiceRuntime[T]], Sequence[ImportKind[T, Any]]] = lambda foundation: ()
    announcements: Sequence[Announcement[T]] = ()
    copies: Sequence[Copy] = ()
    recompute: Callable[[T], Awaitable[None]] | None = None
    fetch_access: Callable[[ServiceRuntime[T]], Callable[[str], Awaitable[AccessStated | None]]] = lambda foundation: (
        foundation.fetch_access
    )
    public_keys: Callable[[ServiceRuntime[T]], Callable[[], Awaitable[str]]] = lambda foundation: foundation.public_keys
    routes: Callable[[ServiceRuntime[T], CallerAuthenticator], Sequence[BaseRoute]] = (
        lambda foundation, authentication: ()
    )
    loops: Callable[[ServiceRuntime[T]], Sequence[process.BackgroundLoop]] = lambda foundation: ()


class MigrationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the one role needs that listens nowhere and calls nobody."""

    database_url: str
    log_level: str = "INFO"


def migrate(blueprint: Blueprint[T, P], database_url: str) -> None:
    """Bring the service's database up to date."""
    migrations.migrate(database_url, [migrations.CHASSIS_MIGRATIONS, copy.ACCESS_MIGRATIONS, blueprint.migrations])


def main(blueprint: Blueprint[T, P], role: str) -> int:
    """Run one of the service's processes; the exit code. 2 for a role that there is not, or for wrong settings."""
    name = f"{blueprint.name}-{role}"
    if role == "migrate":
        wanted = load_or_exit(MigrationSettings, blueprint.name)
        logging.configure(name, wanted.log_level)
        migrate(blueprint, wanted.database_url)
        return 0
    settings = load_or_exit(blueprint.settings, blueprint.name)
    assemble = {"api": _api, "worker": _worker, "relay": _relay}.get(role)
    if assemble is None:
        logging.configure(name, settings.log_level)
        logging.logger(__name__).error("no such role", role=role, roles=["api", "worker", "relay", "migrate"])
        return 2
    return process.run(name, settings, lambda: assemble(blueprint, settings))


@contextlib.asynccontextmanager
async def open_runtime(
    blueprint: Blueprint[T, P], settings: ServiceSettings, role: str
) -> AsyncIterator[ServiceRuntime[T]]:
    """What a process stands on, and its orderly end."""
    clock = SystemClock(settings.time_zone, settings.clock_file)
    pool = await postgres.open_pool(settings.database_url, name=f"{blueprint.name} {role}", size=_POOL_SIZES[role])
    async with Origin(settings.identity_url, connections=50) as origin:
        try:
            yield ServiceRuntime(
                settings, clock, pool, OutboxNotifier(pool), ServiceChannel("identity", origin), blueprint
            )
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(pool.close(), 2)


def api_routes(
    blueprint: Blueprint[T, P], base: ServiceRuntime[T], authentication: CallerAuthenticator
) -> list[BaseRoute]:
    """Return all that a service's api answers on: its contract, the files that it takes in, and what is its own."""
    offered = routes(blueprint.contract, blueprint.bind(base), authentication.caller, authentication.stranger, permit)
    files = import_resource(base.imports, authentication.caller)
    return [*offered, *files, *blueprint.routes(base, authentication)]


@contextlib.asynccontextmanager
async def _api(blueprint: Blueprint[T, P], settings: ServiceSettings) -> AsyncIterator[ProcessParts]:
    async with open_runtime(blueprint, settings, "api") as base:
        verifier = Verifier(blueprint.public_keys(base), base.clock)
        authentication = CallerAuthenticator(verifier, base.pool, blueprint.fetch_access(base))
        yield ProcessParts(
            routes=api_routes(blueprint, base, authentication),
            checks={"database": _database_check(base.pool), "keys": verifier.ready},
            loops=[base.waker.run],
        )


@contextlib.asynccontextmanager
async def _worker(blueprint: Blueprint[T, P], settings: ServiceSettings) -> AsyncIterator[ProcessParts]:
    async with open_runtime(blueprint, settings, "worker") as base:
        consumer = build_consumer(blueprint, base)
        loops = [consumer.run, base.waker.run, *blueprint.loops(base)]
        if base.imports.kinds:
            loops.append(base.imports.run)
        if settings.smtp is not None:
            loops.append(MailSender(base.pool, settings.smtp, settings.mail_from, base.clock).run)

        async def consuming() -> bool:
            return consumer.ready

        yield ProcessParts(routes=[], checks={"database": _database_check(base.pool), "broker": consuming}, loops=loops)


@contextlib.asynccontextmanager
async def _relay(blueprint: Blueprint[T, P], settings: ServiceSettings) -> AsyncIterator[ProcessParts]:
    async with open_runtime(blueprint, settings, "relay") as base:
        relay = Relay(
            blueprint.name,
            settings.database_url,
            settings.kafka,
            f"{blueprint.name}.{settings.slot}",
            partners=blueprint.partners_topic,
            versioned=blueprint.versioned,
        )

        async def running() -> bool:
            return relay.ready

        async def keep_house(stop: asyncio.Event) -> None:
            await retention.enforce_retention(base.pool, stop, [copy.DELETE_ENDED_SESSIONS])

        async def measure(stop: asyncio.Event) -> None:
            await relay_metrics.update_relay_metrics(base.pool, stop)

        yield ProcessParts(routes=[], checks={"database": running}, loops=[relay.run, keep_house, measure])


def build_consumer(blueprint: Blueprint[T, P], base: ServiceRuntime[T]) -> Consumer[T]:
    """The service's consumer: for its worker, and for replaying what was set aside."""
    return Consumer(
        blueprint.name,
        base.settings.slot,
        base.settings.kafka,
        [topic_of(service) for service in blueprint.subscribes_to],
        blueprint.handlers(base),
        base.pool,
        base.work,
        base.clock,
    )


def _database_check(pool: Pool) -> Check:
    async def answers() -> bool:
        return bool(await pool.fetchval("SELECT true"))

    return answers
