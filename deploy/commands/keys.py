"""`kierto keys`: the key rings of the services' sealed values. Identity's signing key is none of them."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import HomeOption, home_from, known_service
from deploy.commands.progress import open_progress
from deploy.local.secrets import SERVICES

if TYPE_CHECKING:
    from datetime import datetime

    from deploy.copies import ProgressReporter
    from deploy.key_rotation import KeyRingOwner, RotationResult
    from services.chassis.auth.sealed.key_ring import KeyRing

app = typer.Typer(help="The keys of secrets at rest: list, rotate.", no_args_is_help=True)

Service = Annotated[
    str | None, typer.Argument(help="identity, sites, orders, stats or support", show_default="all of them")
]
_WIDTH = 120
"""Width of a table that goes to no terminal."""


@app.command("list")
def list_all(service: Service = None, home: HomeOption = None) -> None:
    """List the keys of each service, their states, and how many rows have them."""
    from rich.console import Console
    from rich.table import Table

    table = Table("Service", "Key", "State", "Since (UTC)", "Rows", "Unused since", box=None)
    for name in _chosen(service):
        ring, rows = asyncio.run(_count(name, home_from(home).root))
        for key in ring.keys:
            count = rows.pop(key.id, 0)
            cells = (key.id, key.state.value, _minute(key.since), str(count), _minute(key.unused_since))
            table.add_row(name, *cells)
        for key_id, count in rows.items():
            table.add_row(name, key_id, "unknown", "", str(count), "")
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


@app.command()
def rotate(
    service: Service = None,
    distribute_only: Annotated[
        bool, typer.Option("--distribute-only", help="Stop when the new key is in the ring, to copy it to other hosts.")
    ] = False,
    another: Annotated[
        bool, typer.Option("--another", help="Begin a rotation although former keys wait to be retired.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Distribute a new key, use it, re-encrypt every value with it, and retire the keys that nothing has any more.

    It continues a rotation that is under way, and is safe while everything runs, twice, and when interrupted. A key is
    retired by a later run: KIERTO_BACKUP_DAYS after no row had it. Where processes of a service read copies of the ring
    on several hosts, run it with --distribute-only, copy the file, run it again, and copy the file. Ends with 0; with 1
    if a value does not unseal; with 2 if there is no such service.
    """
    unreadable = 0
    for name in _chosen(service):
        try:
            with open_progress() as progress:
                result = asyncio.run(_rotate(name, home_from(home).root, progress, distribute_only, another))
        except KeyboardInterrupt:
            typer.echo("Interrupted. Every value stays readable; run it again to complete the rotation.", err=True)
            raise typer.Exit(130) from None
        if result is None:
            continue
        unreadable += result.unreadable
        typer.echo(_summary(name, result))
    raise typer.Exit(1 if unreadable else 0)


def _chosen(service: str | None) -> Sequence[str]:
    if service is None:
        return SERVICES
    known_service(service)
    return [service]


def _minute(instant: "datetime | None") -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""


def _summary(service: str, result: "RotationResult") -> str:
    in_use = result.ring.in_use.id
    lines = [f"{service}: key {in_use} is in use, by {result.rows.get(in_use, 0)} rows"]
    for key in result.ring.retiring:
        rows = result.rows.get(key.id, 0)
        reason = f"{rows} rows have it" if rows else "backups may have it"
        lines.append(f"{service}: key {key.id} is kept: {reason}")
    if result.unreadable:
        lines.append(f"{service}: {result.unreadable} values do not unseal; the log names their rows")
    return "\n".join(lines)


async def _count(service: str, home: Path) -> "tuple[KeyRing, dict[str, int]]":
    from deploy.key_rotation import count_rows
    from services.chassis.auth.sealed.key_ring import read_key_ring

    async with _open_owner(service, home) as owner:
        return read_key_ring(owner.key_ring_file), await count_rows(owner)


async def _rotate(
    service: str, home: Path, progress: "ProgressReporter", distribute_only: bool, another: bool
) -> "RotationResult | None":
    from deploy.key_rotation import distribute, rotate

    async with _open_owner(service, home) as owner:
        if distribute_only:
            distribute(owner, progress, another=another)
            return None
        return await rotate(owner, progress, another=another)


@contextlib.asynccontextmanager
async def _open_owner(service: str, home: Path) -> "AsyncIterator[KeyRingOwner]":
    """Open a service's key ring and database; raise StackError if one of them can't be opened."""
    from datetime import timedelta

    from deploy.key_rotation import KeyRingOwner, KeySettings
    from deploy.local.detached_service import blueprint_of, settings_of
    from deploy.local.errors import StackError
    from services.chassis.auth.sealed.key_ring import InvalidKeyRing, read_key_ring
    from services.chassis.db.postgres import open_pool

    settings = settings_of(KeySettings, service, home)
    try:
        read_key_ring(settings.key_ring_file)
    except InvalidKeyRing as error:
        raise StackError(str(error)) from None
    async with await open_pool(settings.database_url, name=f"{service} keys", size=2) as pool:
        yield KeyRingOwner(
            name=service,
            key_ring_file=settings.key_ring_file,
            pool=pool,
            columns=blueprint_of(service).sealed,
            backup_age=timedelta(days=settings.backup_days),
        )
