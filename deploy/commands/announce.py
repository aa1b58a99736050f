"""`kierto announce`: a service announces its things as they are now, for the services with copies."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import HomeOption, home_from, known_service
from deploy.commands.progress import open_progress

if TYPE_CHECKING:
    from deploy.copies import ProgressReporter


def announce(
    service: Annotated[str, typer.Argument(help="The owner: identity, sites, orders, stats or support")],
    things: Annotated[
        list[str] | None, typer.Argument(help="Kinds of its things, or audit; none is all its things.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Have a service announce its things, in full and with their versions, for the services with copies of them.

    Afterwards every copy is at least as new as the owner's things. With `audit`, identity collects the entries of the
    service's audit log that it lacks. It is safe while everything runs, twice, and when interrupted. Ends with 0, or
    with 2 if there is no such service or thing.
    """
    known_service(service)
    try:
        with open_progress() as progress:
            announced = asyncio.run(_announce(service, things or [], home_from(home).root, progress))
    except KeyboardInterrupt:
        typer.echo("Interrupted. Announced things stay announced; run it again at any time.", err=True)
        raise typer.Exit(130) from None
    if not announced:
        typer.echo(f"{service} has nothing that others keep copies of.")
    for thing, count in announced.items():
        typer.echo(f"{thing}: {count} stated")


async def _announce(service: str, things: list[str], home: Path, progress: "ProgressReporter") -> dict[str, int]:
    from deploy.copies import announce_all
    from deploy.local.detached_service import blueprint_of, open_service
    from services.chassis.events.copies.announcement import AUDIT_ANNOUNCEMENT

    own = blueprint_of(service).announcements
    known = {item.entity: item for item in (*own, AUDIT_ANNOUNCEMENT)}
    for thing in things:
        if thing not in known:
            raise typer.BadParameter(f"{service} announces no {thing}. There is {', '.join(known)}.")
    chosen = [known[thing] for thing in things] or own
    if not chosen:
        return {}
    async with open_service(service, home) as owner:
        return await announce_all(owner, chosen, progress)
