"""`kierto rebuild`: bring a service's copies to their owners' state."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import HomeOption, home_from, known_service
from deploy.commands.progress import open_progress

if TYPE_CHECKING:
    from deploy.copies import ProgressReporter, RebuildResult


def rebuild(
    service: Annotated[str, typer.Argument(help="Who keeps the copies: identity, sites, orders, stats or support")],
    home: HomeOption = None,
) -> None:
    """Bring all copies of a service to their owners' state, and recompute its figures from them.

    The owners announce their things and the service's worker handles the events, so the owners' relays, the broker and
    the worker must run. The service goes on serving. It is safe while everything runs, twice, and when interrupted
    (then repeat it). Ends with 0; with 1 if announcements are quarantined, or another rebuild is under way; with 2 if
    there is no such service.
    """
    known_service(service)
    try:
        with open_progress() as progress:
            result = asyncio.run(_rebuild(service, home_from(home).root, progress))
    except KeyboardInterrupt:
        typer.echo("Interrupted. The service goes on serving; run it again to complete the rebuild.", err=True)
        raise typer.Exit(130) from None
    typer.echo(
        f"{service}: {result.announced} things taken in, {result.purged.deleted} that no owner knows deleted, "
        f"{result.purged.placeholders} kept as placeholders"
    )
    if result.dead_letters:
        typer.echo(
            f"{result.dead_letters} events that state things are set aside, so nothing was deleted: "
            f"kierto dead-letters replay {service}, then rebuild again.",
            err=True,
        )
        raise typer.Exit(1)


async def _rebuild(service: str, home: Path, progress: "ProgressReporter") -> "RebuildResult":
    from deploy.copies import rebuild
    from deploy.local.detached_service import open_service
    from deploy.local.errors import StackError
    from services.chassis.events.copies.rebuild import RebuildInProgress

    async with open_service(service, home) as keeper:
        try:
            return await rebuild(keeper, lambda owner: open_service(owner, home), progress)
        except RebuildInProgress:
            raise StackError(f"Another rebuild of {service} is under way.") from None
