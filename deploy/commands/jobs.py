"""`kierto jobs`: the jobs in a service's queue, and those that failed too often."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import HomeOption, home_from

if TYPE_CHECKING:
    from services.chassis.db.postgres import DatabaseConnection

app = typer.Typer(help="Jobs of a service: list, retry, discard.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="identity, sites, orders, stats or support")]
JobId = Annotated[int | None, typer.Argument(help="One held job; else all.")]


@app.command("list")
def list_all(
    service: Service,
    first: Annotated[int, typer.Option(min=1, help="So many held jobs.")] = 100,
    home: HomeOption = None,
) -> None:
    """Show the numbers of queued, running and held jobs, and each held job with the place of its last error."""
    asyncio.run(_list(service, home_from(home).root, first))


@app.command()
def retry(service: Service, id: JobId = None, home: HomeOption = None) -> None:
    """Run held jobs again, as if they were new."""
    typer.echo(f"{asyncio.run(_retry(service, home_from(home).root, id))} queued again")


@app.command()
def discard(
    service: Service,
    id: Annotated[int, typer.Argument(help="The held job.")],
    home: HomeOption = None,
) -> None:
    """Delete a held job: its work is not done."""
    typer.echo(f"{asyncio.run(_discard(service, home_from(home).root, id))} discarded")


async def _list(service: str, home: Path, first: int) -> None:
    from services.chassis.jobs import held_jobs

    async with _database_of(service, home) as connection:
        counts, held = await held_jobs.counts(connection), await held_jobs.held(connection, first)
    for one in counts:
        typer.echo(f"{one.name}\t{one.count} {one.state}\tsince {one.since:%Y-%m-%d %H:%M:%S}")
    for job in held:
        typer.echo(f"{job.id}\t{job.name}\t{job.subject}\t{job.attempts} attempts\t{job.reason}")
    if not counts:
        typer.echo("No jobs are queued.")


async def _retry(service: str, home: Path, job_id: int | None) -> int:
    from services.chassis.jobs import held_jobs

    async with _database_of(service, home) as connection:
        return await held_jobs.retry(connection, job_id)


async def _discard(service: str, home: Path, job_id: int) -> int:
    from services.chassis.jobs import held_jobs

    async with _database_of(service, home) as connection:
        return await held_jobs.discard(connection, job_id)


@contextlib.asynccontextmanager
async def _database_of(service: str, home: Path) -> "AsyncIterator[DatabaseConnection]":
    from deploy.local.detached_service import open_service

    async with open_service(service, home) as detached, detached.pool.acquire() as connection:
        yield connection
