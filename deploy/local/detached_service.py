"""A service's parts without its processes, for host commands that work on its database."""

import contextlib
import os
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from deploy.copies import DetachedService
from deploy.local.errors import StackError
from deploy.local.paths import Home
from deploy.local.secrets import SERVICES
from deploy.local.stack import environment_of_running
from services.chassis.db.postgres import Pool
from services.chassis.events.consume.consumer import Consumer
from services.chassis.runtime.settings import InvalidSettings, load
from services.hosting.blueprint import Blueprint, ServiceRuntime
from services.hosting.processes import build_consumer, open_runtime

S = TypeVar("S", bound=msgspec.Struct)


def blueprint_of(service: str) -> Blueprint[Any, Any]:
    """Return the blueprint of a service; raise StackError if there is no such service."""
    if service not in SERVICES:
        raise StackError(f"{service} is no service. There are {', '.join(SERVICES)}.")
    blueprint: Blueprint[Any, Any] = getattr(import_module(f"services.{service}.app"), service.upper())
    return blueprint


def settings_environment(service: str, home: Path, role: str = "worker") -> dict[str, str]:
    """Return the settings of a service's process: the environment's if it names a database, else those of the stack."""
    if f"KIERTO_{service.upper()}_DATABASE_URL" in os.environ:
        return dict(os.environ)
    return environment_of_running(Home(home)).of_service(service, role)


def settings_of(kind: type[S], service: str, home: Path, role: str = "worker") -> S:
    """Load the settings of a service's process; raise StackError if they are missing or invalid.

    A command that acts as the owner of the database takes those of ``migrate``.
    """
    try:
        return load(kind, service, settings_environment(service, home, role))
    except InvalidSettings as error:
        raise StackError(str(error)) from None


@contextlib.asynccontextmanager
async def open_consumer(service: str, home: Path) -> AsyncIterator[tuple[Consumer[Any], Pool]]:
    """Open a service's consumer, to handle single events with, and its database."""
    async with _runtime_of(service, home) as runtime:
        yield build_consumer(blueprint_of(service), runtime), runtime.pool


@contextlib.asynccontextmanager
async def open_service(service: str, home: Path) -> AsyncIterator[DetachedService]:
    """Open a service, to announce its things or to rebuild its copies."""
    async with _runtime_of(service, home) as runtime:
        yield DetachedService(blueprint_of(service), runtime.pool, runtime.work)


def _runtime_of(service: str, home: Path) -> contextlib.AbstractAsyncContextManager[ServiceRuntime[Any]]:
    blueprint = blueprint_of(service)
    return open_runtime(blueprint, settings_of(blueprint.settings, service, home), "worker")
