"""`kierto dead-letters`: events that failed by themselves, in one service's database: list, show, replay."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.commands.options import HomeOption, home_from

if TYPE_CHECKING:
    from services.chassis.consumer import Consumer
    from services.chassis.dead_letters import DeadLetter

app = typer.Typer(help="Events that a service set aside: list, show, replay.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="identity, sites, orders, stats or support")]


@app.command("list")
def list_all(service: Service, home: HomeOption = None) -> None:
    """One line an event: those that failed, those that wait behind them, those of unknown types."""
    letters = asyncio.run(_letters(service, home_from(home).root, None))
    for letter in letters:
        subject = letter.record.subject or "-"
        typer.echo(
            f"{letter.id}\t{letter.state}\t{letter.record.type or '-'}\t{subject}\t{letter.reason.splitlines()[0]}"
        )
    typer.echo(f"{len(letters)} in all", err=True)


@app.command()
def show(service: Service, id: int, home: HomeOption = None) -> None:
    """All of one event: where it stood, its headers, its bytes, and why it failed."""
    found = asyncio.run(_letters(service, home_from(home).root, [id]))
    if not found:
        raise typer.BadParameter(f"{service} has no dead letter {id}.")
    (letter,) = found
    record = letter.record
    typer.echo(f"{letter.state} since {letter.set_aside}\n{record.topic}/{record.partition} at {record.offset}")
    typer.echo(json.dumps(dict(record.headers), indent=2))
    typer.echo((record.value or b"").decode("utf-8", "backslashreplace"))
    typer.echo(letter.reason)


@app.command()
def replay(
    service: Service,
    id: Annotated[int | None, typer.Argument(help="One event and all that waits behind it; else all.")] = None,
    home: HomeOption = None,
) -> None:
    """Handle events again, in order, one transaction for each subject. What fails again stays where it is."""
    failures = asyncio.run(_replay(service, home_from(home).root, id))
    raise typer.Exit(1 if failures else 0)


async def _letters(service: str, home: Path, ids: list[int] | None) -> "list[DeadLetter]":
    from deploy.local.service_at_rest import consumer_of_service
    from services.chassis.dead_letters import dead_letters

    async with consumer_of_service(service, home) as (_, pool), pool.acquire() as connection:
        return await dead_letters(connection, ids)


async def _replay(service: str, home: Path, id: int | None) -> int:
    from deploy.local.service_at_rest import consumer_of_service
    from services.chassis.dead_letters import dead_letters

    failures = 0
    async with consumer_of_service(service, home) as (consumer, pool):
        async with pool.acquire() as connection:
            letters = await dead_letters(connection, [id] if id is not None else None)
        for letter in letters:
            if letter.state == "WAITING" and id is None:
                continue  # goes with the one that it waits for
            failures += not await _replay_one(consumer, letter)
    return failures


async def _replay_one(consumer: "Consumer[Any]", letter: "DeadLetter") -> bool:
    try:
        handled = await consumer.replay(letter)
    except Exception as error:  # whatever the handler raises is what the person wants to see
        typer.echo(f"{letter.id} failed again: {type(error).__name__}: {error}", err=True)
        return False
    typer.echo(f"{letter.id} handled, {handled} in all")
    return True
