"""`kierto audit`: the audit logs of the services."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import HomeOption, home_from, known_service
from deploy.local.secrets import SERVICES

if TYPE_CHECKING:
    from services.chassis.audit.verification import AuditVerification

app = typer.Typer(help="The audit logs of the services.", no_args_is_help=True)


@app.callback()
def audit() -> None:
    """The audit logs of the services."""


@app.command()
def verify(
    service: Annotated[
        str | None, typer.Argument(help="identity, sites, orders, stats or support", show_default="all of them")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Verify the audit log of a service, or of each: no chained entry was changed, deleted or inserted.

    Ends with 1 and the first row or batch that differs; with 2 if there is no such service.
    """
    if service is not None:
        known_service(service)
    faulty = False
    for name in SERVICES if service is None else [service]:
        result = asyncio.run(_verify(name, home_from(home).root))
        typer.echo(f"{name}: {_summary(result)}")
        faulty |= result.fault is not None
    raise typer.Exit(1 if faulty else 0)


def _summary(result: "AuditVerification") -> str:
    chained = f"unchanged: rows {result.rows}, batches {result.batches}"
    if result.batches:
        chained += f", digest {result.digest.hex()}"
    return (
        f"{result.fault}; {chained}" if result.fault else f"{chained}; waiting for the next batch: {result.unchained}"
    )


async def _verify(service: str, home: Path) -> "AuditVerification":
    from deploy.local.detached_service import open_service
    from services.chassis.audit import verification

    async with open_service(service, home) as detached, detached.pool.acquire() as connection:
        return await verification.verify(connection)
