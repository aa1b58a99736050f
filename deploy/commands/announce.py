"""`kierto announce`: a service states its things again as they are now, for those who keep copies."""

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
    things: Annotated[list[str] | None, typer.Argument(help="Kinds of its things; none is all.")] = None,
    home: HomeOption = None,
) -> None:
    """Have a service state its things again, in full and with their versions, for those who keep copies of them.

    Afterwards every copy is at least as new as the owner's things. It harms nothing: while everything runs, twice, or
    broken off. Ends with 0, or with 2 if there is no such service or thing.
    """
    known_service(service)
    try:
        with open_progress() as steps:
            stated = asyncio.run(_announce(service, things or [], home_from(home).root, steps))
    except KeyboardInterrupt:
        typer.echo("Broken off. What was stated stays so; begin anew at any time.", err=True)
        raise typer.Exit(130) from None
    if not stated:
        typer.echo(f"{service} has nothing that others keep copies of.")
    for thing, count in stated.items():
        typer.echo(f"{thing}: {count} stated")


async def _announce(service: str, things: list[str], home: Path, steps: "ProgressReporter") -> dict[str, int]:
    from deploy.copies import announce_all
    from deploy.local.detached_service import blueprint_of, open_service

    announcements = {one.entity: one for one in blueprint_of(service).announcements}
    for thing in things:
        if thing not in announcements:
            there = ", ".join(announcements) or "nothing"
            raise typer.BadParameter(f"{service} announces no {thing}. There is {there}.")
    if not announcements:
        return {}
    async with open_service(service, home) as owner:
        return await announce_all(owner, [announcements[thing] for thing in things or announcements], steps)
