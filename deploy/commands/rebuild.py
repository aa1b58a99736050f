"""`kierto rebuild`: the copies that a service keeps of others' things are brought to what the owners have."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import HomeOption, home_from, known_service
from deploy.commands.progress import shown_steps

if TYPE_CHECKING:
    from deploy.copies import Rebuilt, Steps


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
        with shown_steps() as steps:
            rebuilt = asyncio.run(_rebuild(service, home_from(home).root, steps))
    except KeyboardInterrupt:
        typer.echo("Broken off. The service goes on serving; begin anew to have it done.", err=True)
        raise typer.Exit(130) from None
    typer.echo(
        f"{service}: {rebuilt.stated} things taken in, {rebuilt.let_go.deleted} that no owner knows deleted, "
        f"{rebuilt.let_go.placeholders} kept as placeholders"
    )
    if rebuilt.set_aside:
        typer.echo(
            f"{rebuilt.set_aside} events that state things are set aside, so nothing was deleted: "
            f"kierto dead-letters replay {service}, then rebuild again.",
            err=True,
        )
        raise typer.Exit(1)


async def _rebuild(service: str, home: Path, steps: "Steps") -> "Rebuilt":
    from deploy.copies import rebuild
    from deploy.local.problem import StackProblem
    from deploy.local.service_at_rest import service_at_rest
    from services.chassis.rebuilding import RebuildingAlready

    async with service_at_rest(service, home) as keeper:
        try:
            return await rebuild(keeper, lambda owner: service_at_rest(owner, home), steps)
        except RebuildingAlready:
            raise StackProblem(f"Another rebuild of {service} is under way.") from None
