"""A service's parts without its processes, for host commands that work on its database."""

import contextlib
import os
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from deploy.copies import Service
from deploy.local.paths import Home
from deploy.local.problem import StackProblem
from deploy.local.secrets import SERVICES
from deploy.local.stack import environment_of_running
from services.access.assembly import Blueprint, Foundation, consumer_of, foundation
from services.chassis.consumer import Consumer
from services.chassis.postgres import Pool
from services.chassis.settings import ServiceSettings, WrongSettings, load

S = TypeVar("S", bound=ServiceSettings)


def blueprint_of(service: str) -> Blueprint[Any, Any]:
    """How a service describes itself."""
    if service not in SERVICES:
        raise StackProblem(f"{service} is no service. There are {', '.join(SERVICES)}.")
    blueprint: Blueprint[Any, Any] = getattr(import_module(f"services.{service}.app"), service.upper())
    return blueprint


def settings_environment(service: str, home: Path) -> dict[str, str]:
    """The settings of a service's worker: from the environment where it names a database, else of the stack here."""
    if f"KIERTO_{service.upper()}_DATABASE_URL" in os.environ:
        return dict(os.environ)
    return environment_of_running(Home(home)).of_service(service, "worker")


def settings_of(kind: type[S], service: str, home: Path) -> S:
    """A service's settings; StackProblem if they are missing or wrong."""
    try:
        return load(kind, service, settings_environment(service, home))
    except WrongSettings as wrong:
        raise StackProblem(str(wrong)) from None


@contextlib.asynccontextmanager
async def consumer_of_service(service: str, home: Path) -> AsyncIterator[tuple[Consumer[Any], Pool]]:
    """A service's consumer, to handle single events with, and its database."""
    async with _foundation_of(service, home) as base:
        yield consumer_of(blueprint_of(service), base), base.pool


@contextlib.asynccontextmanager
async def service_at_rest(service: str, home: Path) -> AsyncIterator[Service]:
    """A service, to state its things or to rebuild its copies."""
    async with _foundation_of(service, home) as base:
        yield Service(blueprint_of(service), base.pool, base.work)


def _foundation_of(service: str, home: Path) -> contextlib.AbstractAsyncContextManager[Foundation[Any]]:
    blueprint = blueprint_of(service)
    return foundation(blueprint, settings_of(blueprint.settings, service, home), "worker")
