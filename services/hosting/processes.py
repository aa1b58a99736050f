"""The processes of a service, built from its Blueprint: api, worker, relay, jobs, migrate."""

import asyncio
import contextlib
import datetime as dt
import functools
import sys
from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec
from starlette.routing import BaseRoute

from services.access import copy
from services.access.authentication import CallerAuthenticator
from services.access.authorization import Authorization
from services.chassis import process
from services.chassis.audit.chain import CHAIN_RECURRING, chain_handler
from services.chassis.auth.tokens import Verifier
from services.chassis.db import migrations, postgres, retention, runtime_role
from services.chassis.db.postgres import Pool
from services.chassis.events.consume.consumer import Consumer
from services.chassis.events.publish import relay_metrics
from services.chassis.events.publish.relay import Relay
from services.chassis.events.transaction import Transaction
from services.chassis.files.storage import SWEEP_RECURRING
from services.chassis.http.client.origin import Origin
from services.chassis.jobs import queue_metrics
from services.chassis.jobs.fan_out import FanOutRunner, RunFanOut
from services.chassis.jobs.job import AnyJobHandler, Job, JobHandler, JobRun
from services.chassis.jobs.runner import JobRunner
from services.chassis.jobs.schedule import JobSchedule, Recurring
from services.chassis.mail import MailSender, SendMail
from services.chassis.process import ProcessParts
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.server import routes
from services.chassis.runtime.clock import SystemClock
from services.chassis.runtime.health import Check
from services.chassis.runtime.settings import InvalidSettings, ServiceSettings, load_or_exit
from services.chassis.telemetry import logging
from services.contracts.declare import topic_of
from services.hosting.blueprint import Blueprint, ServiceRuntime
from services.hosting.file_resource import file_routes
from services.hosting.imports_api import import_purposes

T = TypeVar("T", bound=Transaction)
P = TypeVar("P")

POOL_SIZES = {"api": 8, "worker": 5, "relay": 2, "jobs": 6}
"""The most connections of each role's pool. A relay has one more, for its lease."""


RETENTION_INTERVAL = dt.timedelta(hours=1)


class DeleteExpired(Job, frozen=True, kw_only=True, tag="delete-expired"):
    """The job that deletes what every service keeps for a time alone."""


class OwnerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the role ``migrate``, and of host commands that act as the owner of the database."""

    owner_database_url: str
    """The database's URL with the owner's role. No other process has it."""
    database_url: str
    """The URL with the role of the processes."""
    log_level: str = "INFO"


def migrate(blueprint: Blueprint[T, P], owner_database_url: str, database_url: str) -> None:
    """Migrate the service's database as its owner, and grant the role of the processes what it needs.

    Raises InvalidSettings if that role may act as the owner.
    """
    folders = [migrations.CHASSIS_MIGRATIONS, copy.ACCESS_MIGRATIONS, blueprint.migrations]
    migrations.migrate(owner_database_url, folders)
    runtime_role.grant_privileges(owner_database_url, database_url, blueprint.append_only)


def main(blueprint: Blueprint[T, P], role: str) -> int:
    """Run one of the service's processes and return its exit code: 2 for an unknown role or invalid settings."""
    name = f"{blueprint.name}-{role}"
    if role == "migrate":
        owner_settings = load_or_exit(OwnerSettings, blueprint.name)
        logging.configure(name, owner_settings.log_level)
        try:
            migrate(blueprint, owner_settings.owner_database_url, owner_settings.database_url)
        except InvalidSettings as error:
            sys.stderr.write(f"{blueprint.name} can't be migrated: {error}\n")
            return 2
        return 0
    settings = load_or_exit(blueprint.settings, blueprint.name)
    build_parts = {"api": _api, "worker": _worker, "relay": _relay, "jobs": _jobs}.get(role)
    if build_parts is None:
        logging.configure(name, settings.log_level)
        logging.logger(__name__).error("no such role", role=role, roles=["api", "worker", "relay", "jobs", "migrate"])
        return 2
    try:
        return process.run(name, settings, lambda: build_parts(blueprint, settings))
    except InvalidSettings as error:  # of what only some services need
        sys.stderr.write(f"{name} can't start:\n{error}\n")
        return 2


@contextlib.asynccontextmanager
async def open_runtime(
    blueprint: Blueprint[T, P], settings: ServiceSettings, role: str
) -> AsyncIterator[ServiceRuntime[T]]:
    """Open the runtime of a process, and close it at the end."""
    clock = SystemClock(settings.time_zone, settings.clock_file)
    pool = await postgres.open_pool(settings.database_url, name=f"{blueprint.name} {role}", size=POOL_SIZES[role])
    async with contextlib.AsyncExitStack() as origins:
        channels = {}
        for name in ("identity", *blueprint.calls):
            origin = await origins.enter_async_context(Origin(getattr(settings, f"{name}_url"), connections=50))
            channels[name] = ServiceChannel(name, origin)
        try:
            yield ServiceRuntime(settings, clock, pool, channels.pop("identity"), blueprint, channels)
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(pool.close(), 2)


def api_routes(
    blueprint: Blueprint[T, P], runtime: ServiceRuntime[T], authenticator: CallerAuthenticator
) -> list[BaseRoute]:
    """Return the routes of a service's api: its contract, its files and its own."""
    authorization = Authorization(blueprint.contract, blueprint.owners, runtime.pool, runtime.clock)
    contract_routes = routes(
        blueprint.contract, blueprint.bind(runtime), authenticator.caller, authenticator.anonymous_caller, authorization
    )
    own_routes = blueprint.routes(runtime, authenticator)
    if not blueprint.has_files:
        return [*contract_routes, *own_routes]
    purposes = {**import_purposes(runtime.imports), **blueprint.uploads(runtime)}
    resource = file_routes(runtime.files, purposes, authenticator.caller)
    return [*contract_routes, *resource, *own_routes]


@contextlib.asynccontextmanager
async def _api(blueprint: Blueprint[T, P], settings: ServiceSettings) -> AsyncIterator[ProcessParts]:
    async with open_runtime(blueprint, settings, "api") as runtime:
        verifier = Verifier(blueprint.public_keys(runtime), runtime.clock)
        authenticator = CallerAuthenticator(verifier, runtime.pool, blueprint.fetch_access(runtime))
        yield ProcessParts(
            routes=api_routes(blueprint, runtime, authenticator),
            checks={"database": _database_check(runtime.pool), "keys": verifier.ready},
            loops=[runtime.relay_notifier.run, runtime.job_notifier.run],
        )


@contextlib.asynccontextmanager
async def _worker(blueprint: Blueprint[T, P], settings: ServiceSettings) -> AsyncIterator[ProcessParts]:
    async with open_runtime(blueprint, settings, "worker") as runtime:
        consumer = build_consumer(blueprint, runtime)

        async def is_consuming() -> bool:
            return consumer.ready

        yield ProcessParts(
            routes=[],
            checks={"database": _database_check(runtime.pool), "broker": is_consuming},
            loops=[
                consumer.run,
                *blueprint.listeners(runtime),
                runtime.relay_notifier.run,
                runtime.job_notifier.run,
            ],
        )


@contextlib.asynccontextmanager
async def _jobs(blueprint: Blueprint[T, P], settings: ServiceSettings) -> AsyncIterator[ProcessParts]:
    async with open_runtime(blueprint, settings, "jobs") as runtime:
        retention_recurring = Recurring(job=DeleteExpired(), every=RETENTION_INTERVAL)
        recurring = [retention_recurring, CHAIN_RECURRING, *blueprint.recurring]
        if blueprint.has_files:
            recurring.append(SWEEP_RECURRING)
        schedule = JobSchedule(runtime.pool, runtime.clock, recurring, blueprint.due_rows)
        runner = JobRunner(runtime.pool, job_handlers(blueprint, runtime))

        yield ProcessParts(
            routes=[],
            checks={"database": _database_check(runtime.pool)},
            loops=[
                runner.run,
                schedule.run,
                functools.partial(queue_metrics.update_queue_metrics, runtime.pool),
                runtime.relay_notifier.run,
                runtime.job_notifier.run,
            ],
        )


@contextlib.asynccontextmanager
async def _relay(blueprint: Blueprint[T, P], settings: ServiceSettings) -> AsyncIterator[ProcessParts]:
    async with open_runtime(blueprint, settings, "relay") as runtime:
        relay = Relay(
            blueprint.name,
            settings.database_url,
            settings.kafka,
            f"{blueprint.name}.{settings.slot}",
            runtime.clock,
            partners=blueprint.partners_topic,
            versioned=blueprint.versioned,
        )

        async def is_running() -> bool:
            return relay.ready

        yield ProcessParts(
            routes=[],
            checks={"database": is_running},
            loops=[relay.run, functools.partial(relay_metrics.update_relay_metrics, runtime.pool)],
        )


def job_handlers(blueprint: Blueprint[T, P], runtime: ServiceRuntime[T]) -> list[AnyJobHandler]:
    """Return the handlers of a service's jobs: its own, and those of retention, audit, files, imports and mails."""

    async def delete_expired(job: DeleteExpired, run: JobRun) -> None:
        await retention.delete_expired(runtime.pool, run.stop, [copy.DELETE_ENDED_SESSIONS])

    handlers: list[AnyJobHandler] = [JobHandler(DeleteExpired, delete_expired, held=False), chain_handler(runtime.pool)]
    handlers += blueprint.jobs(runtime)
    if blueprint.has_files:
        handlers += [*runtime.files.storage.job_handlers(), *runtime.imports.job_handlers()]
    if blueprint.fan_outs:
        handlers.append(JobHandler(RunFanOut, FanOutRunner(runtime.pool, runtime.work, blueprint.fan_outs).run))
    settings = runtime.settings
    if settings.smtp is not None:
        owner = blueprint.mail_owner(runtime)
        sender = MailSender(runtime.pool, settings.smtp, settings.mail_from, runtime.clock, owner)
        handlers.append(JobHandler(SendMail, sender.send))
    return handlers


def build_consumer(blueprint: Blueprint[T, P], runtime: ServiceRuntime[T]) -> Consumer[T]:
    """Build the service's consumer: for its worker, and for replaying quarantined events."""
    return Consumer(
        blueprint.name,
        runtime.settings.slot,
        runtime.settings.kafka,
        [topic_of(service) for service in blueprint.subscribes_to],
        blueprint.handlers(runtime),
        runtime.pool,
        runtime.work,
        runtime.clock,
    )


def _database_check(pool: Pool) -> Check:
    async def is_answering() -> bool:
        return bool(await pool.fetchval("SELECT true"))

    return is_answering
