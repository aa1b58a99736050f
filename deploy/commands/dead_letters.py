"""`kierto dead-letters`: list, show and replay the quarantined events in a service's database."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.commands.options import HomeOption, home_from

if TYPE_CHECKING:
    from services.chassis.db.postgres import Pool
    from services.chassis.events.consume.dead_letters import DeadLetter
    from services.chassis.events.consume.replay import Replayer

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
    """List events, oldest first: those that failed, those that wait, those that this build does not know."""
    letters, counts = asyncio.run(_list(service, home_from(home).root, after, first))
    for letter in letters:
        cells = (letter.id, letter.state, letter.record.type or "-", letter.record.subject or "-", letter.reason)
        typer.echo("\t".join(_one_line(str(cell)) for cell in cells))
    typer.echo(", ".join(f"{number} {state}" for state, number in counts.items()), err=True)


@app.command()
def show(service: Service, id: int, home: HomeOption = None) -> None:
    """Show one event: its place in the log, its headers, its bytes, and the reason of its failure."""
    letter = asyncio.run(_show_letter(service, home_from(home).root, id))
    record = letter.record
    typer.echo(f"{letter.state} since {letter.created_at}\n{record.topic}/{record.partition} at {record.offset}")
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

    An event that fails again stays, and so do those that wait behind it: then the exit code is 1.
    """
    handled, failures = asyncio.run(_replay(service, home_from(home).root, id))
    typer.echo(f"{handled} handled, {failures} failed again")
    raise typer.Exit(1 if failures else 0)


def _one_line(text: str) -> str:
    """Return the beginning of a text as one cell of a line."""
    return " ".join(text[:200].split())


async def _list(service: str, home: Path, after: int, first: int) -> "tuple[list[DeadLetter], dict[Any, int]]":
    from deploy.local.detached_service import open_consumer
    from services.chassis.events.consume import dead_letters

    async with open_consumer(service, home) as (_, pool), pool.acquire() as connection:
        return await dead_letters.page(connection, after, first), await dead_letters.count_by_state(connection)


async def _show_letter(service: str, home: Path, id: int) -> "DeadLetter":
    from deploy.local.detached_service import open_consumer

    async with open_consumer(service, home) as (_, pool):
        return await _find_letter(service, pool, id)


async def _find_letter(service: str, pool: "Pool", id: int) -> "DeadLetter":
    from services.chassis.events.consume import dead_letters

    async with pool.acquire() as connection:
        letter = await dead_letters.get(connection, id)
    if letter is None:
        raise typer.BadParameter(f"{service} has no dead letter {id}.")
    return letter


async def _replay(service: str, home: Path, id: int | None) -> tuple[int, int]:
    """Return the numbers of handled and of failed events."""
    from deploy.local.detached_service import open_consumer

    handled = failures = 0
    async with open_consumer(service, home) as (consumer, pool):
        letters = _replayable(pool) if id is None else _single(await _find_letter(service, pool, id))
        async for letter in letters:
            done, failure = await _replay_one(consumer.replayer, letter)
            handled += done
            failures += failure is not None
            if failure is not None:
                typer.echo(_one_line(f"{letter.id} failed again: {failure}"), err=True)
            if sys.stderr.isatty():
                typer.echo(f"\r{handled} handled", nl=False, err=True)
    return handled, failures


async def _replay_one(replayer: "Replayer[Any]", letter: "DeadLetter") -> tuple[int, str | None]:
    """Return the number of handled events, and the reason of the failure after them."""
    from services.chassis.events.consume.replay import StillUnknown

    handled = 0
    try:
        async for _ in replayer.replay(letter):
            handled += 1
    except StillUnknown as error:
        return handled, str(error)
    except Exception as error:  # any error of the handler is for the person at the keyboard
        return handled, f"{type(error).__name__}: {error}"
    return handled, None


async def _single(letter: "DeadLetter") -> "AsyncIterator[DeadLetter]":
    yield letter


async def _replayable(pool: "Pool") -> "AsyncIterator[DeadLetter]":
    """Iterate over the dead letters that others may wait for, page by page; their followers are replayed with them."""
    from services.chassis.events.consume import dead_letters

    after = 0
    while True:
        async with pool.acquire() as connection:
            letters = await dead_letters.page(connection, after, _PAGE, ["FAILED", "PARKED"])
        for letter in letters:
            yield letter
        if len(letters) < _PAGE:
            return
        after = letters[-1].id
