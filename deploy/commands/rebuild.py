"""`kierto rebuild`: the copies that a service keeps of others' things are brought to what the owners have."""

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
    """Bring every copy that a service keeps to what the owners have, and its figures to what the copies say.

    The owners state their things again and the service's worker takes them in, so the owners' relays, the broker and
    the worker must run. The service goes on serving. It harms nothing: while everything runs, twice, or broken off
    (then begin anew). Ends with 0; with 1 if events lie set aside that state what is to be rebuilt, or another rebuild
    is under way; with 2 if there is no such service.
    """
    known_service(service)
    try:
        with open_progress() as steps:
            rebuilt = asyncio.run(_rebuild(service, home_from(home).root, steps))
    except KeyboardInterrupt:
        typer.echo("Broken off. The service goes on serving; begin anew to have it done.", err=True)
        raise typer.Exit(130) from None
    typer.echo(
        f"{service}: {rebuilt.stated} things taken in, {rebuilt.let_go.deleted} that no owner knows deleted, "
        f"{rebuilt.let_go.placeholders} kept as placeholders"
    )
    if rebuilt.dead_letters:
        typer.echo(
            f"{rebuilt.dead_letters} events that state things are set aside, so nothing was deleted: "
            f"kierto dead-letters replay {service}, then rebuild again.",
            err=True,
        )
        raise typer.Exit(1)


async def _rebuild(service: str, home: Path, steps: "ProgressReporter") -> "RebuildResult":
    from deploy.copies import rebuild
    from deploy.local.detached_service import open_service
    from deploy.local.errors import StackError
    from services.chassis.events.copies.rebuild import RebuildInProgress

    async with open_service(service, home) as keeper:
        try:
            return await rebuild(keeper, lambda owner: open_service(owner, home), steps)
        except RebuildInProgress:
            raise StackError(f"Another rebuild of {service} is under way.") from None
