"""`kierto dead-letters`: events that a service set aside, in its database: list, show, replay."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.commands.options import HomeOption, home_from

if TYPE_CHECKING:
    from services.chassis.dead_letters import DeadLetter
    from services.chassis.intake import Intake
    from services.chassis.postgres import Pool

app = typer.Typer(help="Events that a service set aside: list, show, replay.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="identity, sites, orders, stats or support")]

_PAGE = 200


@app.command("list")
def list_all(
    service: Service,
    first: Annotated[int, typer.Option(min=1, help="So many lines.")] = 100,
    after: Annotated[int, typer.Option(min=0, help="Only those behind this id.")] = 0,
    home: HomeOption = None,
) -> None:
    """One line an event: those that failed, those that wait behind them, those of unknown types. Oldest first."""
    letters, counts = asyncio.run(_list(service, home_from(home).root, after, first))
    for letter in letters:
        cells = (letter.id, letter.state, letter.record.type or "-", letter.record.subject or "-", letter.reason)
        typer.echo("\t".join(_line(str(cell)) for cell in cells))
    typer.echo(", ".join(f"{number} {state}" for state, number in counts.items()), err=True)


@app.command()
def show(service: Service, id: int, home: HomeOption = None) -> None:
    """All of one event: where it stood, its headers, its bytes, and why it failed."""
    letter = asyncio.run(_one(service, home_from(home).root, id))
    record = letter.record
    typer.echo(f"{letter.state} since {letter.set_aside}\n{record.topic}/{record.partition} at {record.offset}")
    typer.echo(json.dumps(dict(record.headers), indent=2, ensure_ascii=False))
    typer.echo((record.value or b"").decode("utf-8", "backslashreplace"))
    typer.echo(letter.reason)


@app.command()
def replay(
    service: Service,
    id: Annotated[int | None, typer.Argument(help="One event and all of its subject; else all.")] = None,
    home: HomeOption = None,
) -> None:
    """Handle events again, in order, one transaction each; the workers may run meanwhile.

    What fails again stays, and so does what waits behind it: then the exit code is 1.
    """
    handled, failures = asyncio.run(_replay(service, home_from(home).root, id))
    typer.echo(f"{handled} handled, {failures} failed again")
    raise typer.Exit(1 if failures else 0)


def _line(text: str) -> str:
    """The beginning of a text that may hold anything, as one cell of a line."""
    return " ".join(text[:200].split())


async def _list(service: str, home: Path, after: int, first: int) -> "tuple[list[DeadLetter], dict[Any, int]]":
    from deploy.local.service_at_rest import consumer_of_service
    from services.chassis import dead_letters

    async with consumer_of_service(service, home) as (_, pool), pool.acquire() as connection:
        return await dead_letters.page(connection, after, first), await dead_letters.counts(connection)


async def _one(service: str, home: Path, id: int) -> "DeadLetter":
    from deploy.local.service_at_rest import consumer_of_service

    async with consumer_of_service(service, home) as (_, pool):
        return await _found(service, pool, id)


async def _found(service: str, pool: "Pool", id: int) -> "DeadLetter":
    from services.chassis import dead_letters

    async with pool.acquire() as connection:
        letter = await dead_letters.one(connection, id)
    if letter is None:
        raise typer.BadParameter(f"{service} has no dead letter {id}.")
    return letter


async def _replay(service: str, home: Path, id: int | None) -> tuple[int, int]:
    """How many were handled, and how many failed."""
    from deploy.local.service_at_rest import consumer_of_service

    handled = failures = 0
    async with consumer_of_service(service, home) as (consumer, pool):
        letters = _all(pool) if id is None else _only(await _found(service, pool, id))
        async for letter in letters:
            done, failure = await _replay_one(consumer.intake, letter)
            handled += done
            failures += failure is not None
            if failure is not None:
                typer.echo(_line(f"{letter.id} failed again: {failure}"), err=True)
            if sys.stderr.isatty():
                typer.echo(f"\r{handled} handled", nl=False, err=True)
    return handled, failures


async def _replay_one(intake: "Intake[Any]", letter: "DeadLetter") -> tuple[int, str | None]:
    """How many were handled, and why the next was not."""
    from services.chassis.envelope import understand

    handled = 0
    try:
        async for _ in intake.replay(letter):
            handled += 1
        if letter.state == "PARKED" and understand(letter.record) is None:
            return handled, f"this build does not know {letter.record.type}"
    except Exception as error:  # whatever the handler raises is what the person wants to see
        return handled, f"{type(error).__name__}: {error}"
    return handled, None


async def _only(letter: "DeadLetter") -> "AsyncIterator[DeadLetter]":
    yield letter


async def _all(pool: "Pool") -> "AsyncIterator[DeadLetter]":
    """Every dead letter that others may wait for, page by page; those that wait go with the one that they wait for."""
    from services.chassis import dead_letters

    after = 0
    while True:
        async with pool.acquire() as connection:
            letters = await dead_letters.page(connection, after, _PAGE, ["FAILED", "PARKED"])
        for letter in letters:
            yield letter
        if len(letters) < _PAGE:
            return
        after = letters[-1].id
