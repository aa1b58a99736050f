"""`kierto seed`: as many customers as a measurement needs, for developers."""

import asyncio
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import HomeOption, home_from
from deploy.commands.progress import open_progress
from deploy.seed import FEWEST_SITES, MOST_SITES

if TYPE_CHECKING:
    from deploy.copies import ProgressReporter
    from deploy.local.addresses import DemoAccount


def seed(
    sites: Annotated[int, typer.Option(help="How many sites there are to be.", min=FEWEST_SITES, max=MOST_SITES)],
    password: Annotated[
        str | None, typer.Option(envvar="KIERTO_PASSWORD", help="Of all who can sign in.", show_default="made up")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Fill the databases of a running stack with customers, beside what is there (for development and tests).

    There are a customer of 10 sites, a manager of up to 300 organisations, a user limited to 200 sites of a chain's
    2,000, and others of 10 sites each; each site has agreements, and two years of orders, pickups and tickets. The
    same number of sites is the same data every time. Nothing is sent to the broker. Done once: `kierto reset` makes
    room for another number.
    """
    password = password or secrets.token_urlsafe(12)
    try:
        with open_progress() as progress:
            accounts = asyncio.run(_seed(sites, password, home_from(home).root, progress))
    except KeyboardInterrupt:
        typer.echo("Interrupted. Nothing was seeded.", err=True)
        raise typer.Exit(130) from None
    for account in accounts:
        typer.echo(f"{account.who}: {account.name}")
    typer.echo(f"Their password, and the partners' secret: {password}")


async def _seed(sites: int, password: str, home: Path, progress: "ProgressReporter") -> "list[DemoAccount]":
    from deploy.local.detached_service import blueprint_of, settings_of
    from deploy.local.errors import StackError
    from deploy.local.secrets import SERVICES
    from deploy.seed.accounts import sign_ins
    from deploy.seed.event_log import RelayBehind
    from deploy.seed.seeder import AlreadySeeded, SeedRequest, seed_databases
    from services.chassis.runtime.clock import SystemClock
    from services.chassis.runtime.settings import Environment
    from services.hosting.processes import OwnerSettings
    from services.identity.settings import IdentitySettings

    settings = {service: settings_of(blueprint_of(service).settings, service, home) for service in SERVICES}
    if any(one.env is Environment.PRODUCTION for one in settings.values()):
        raise StackError("This is production (KIERTO_ENV): it is not seeded.")
    # The owner analyzes the tables afterwards.
    owners = {service: settings_of(OwnerSettings, service, home, "migrate") for service in SERVICES}
    identity = settings["identity"]
    assert isinstance(identity, IdentitySettings)
    request = SeedRequest(
        sites=sites,
        password=password,
        databases={service: one.owner_database_url for service, one in owners.items()},
        pepper=identity.pepper.encode(),
        clock=SystemClock(identity.time_zone, identity.clock_file),
    )
    try:
        await seed_databases(request, progress)
    except AlreadySeeded:
        raise StackError("This stack was seeded before. `kierto reset` forgets all that it has.") from None
    except RelayBehind:
        raise StackError("Orders' relay has events to publish and does not: do the broker and the relay run?") from None
    return sign_ins(password)
