"""`kierto import`: import an ERP export."""

import asyncio
import atexit
import datetime as dt
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import HomeOption, home_from, password_from
from deploy.local.paths import Home

if TYPE_CHECKING:
    from deploy.export_upload import FileResult


def _describe(requested: bool) -> None:
    """Print each file of an export with its columns, and end."""
    if requested:
        from deploy.export_columns import describe_files

        typer.echo(describe_files())
        raise typer.Exit


def import_export(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder of CSV files.")],
    username: Annotated[str, typer.Option(help="A staff user.", envvar="KIERTO_USERNAME", prompt=True)],
    describe: Annotated[
        bool,
        typer.Option(
            "--describe", help="Show the files of an export and their columns.", is_eager=True, callback=_describe
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what the import would do, file by file, and import nothing.")
    ] = False,
    monday: Annotated[
        str | None, typer.Option(help="For a demonstration export: the day that its D+n and D-n count from.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="The gateway.", envvar="KIERTO_GATEWAY_URL", show_default="that of the stack in the folder --home"
        ),
    ] = None,
    home: HomeOption = None,
    port_base: Annotated[
        int | None,
        typer.Option(help="Where the stack's ports begin, if none runs in the folder.", envvar="KIERTO_PORT_BASE"),
    ] = None,
) -> None:
    """Import an ERP export; good rows are kept, bad ones are named. The password is prompted for, or KIERTO_PASSWORD.

    A dry run knows nothing of the export's other files: their new records are unknown to it.

    Ends with 0 if every row was good, 1 if some were not, 2 if it could not be finished; files before stay imported.
    """
    from deploy.export_upload import find_files
    from deploy.graphql_client import GraphQLClientError

    if monday is not None:
        folder = _with_resolved_dates(folder, monday)
    url = url or _gateway(home_from(home), port_base)
    results: list[FileResult] = []
    try:
        find_files(folder)
        asyncio.run(_import(url, username, password_from(), folder, dry_run, results))
    except GraphQLClientError as problem:
        _report(results, dry_run)
        typer.echo(str(problem), err=True)
        raise typer.Exit(2) from None
    bad = _report(results, dry_run)
    raise typer.Exit(1 if bad else 0)


def _gateway(home: Home, port_base: int | None) -> str:
    """Return the URL of the gateway of a folder's stack; a running stack's own ports win over the option."""
    from deploy.local.errors import StackError
    from deploy.local.lock import holder_of
    from deploy.local.ports import Ports

    holder = holder_of(home)
    base = holder.port_base if holder else port_base
    if base is None:
        raise StackError(
            f"Nothing runs in {home.root}. Start it first: `make up`; or say where the gateway is, with --url."
        )
    return Ports(base).url("gateway")


def _with_resolved_dates(folder: Path, monday: str) -> Path:
    """Copy a demonstration export with dates instead of its offsets; the copy is deleted when the command ends."""
    from deploy.export_upload import resolve_dates

    try:
        day = dt.date.fromisoformat(monday)
    except ValueError:
        raise typer.BadParameter(f"{monday!r} is not a day such as 2026-03-30.") from None
    copy = Path(tempfile.mkdtemp(prefix="kierto-export-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    resolve_dates(folder, copy / "export", day)
    return copy / "export"


async def _import(
    url: str, username: str, password: str, folder: Path, dry_run: bool, results: "list[FileResult]"
) -> None:
    """Import each file, and add its result to ``results``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from deploy.export_upload import find_files, upload_all
    from deploy.graphql_client import GraphQLClient

    columns = (TextColumn("{task.description:14}"), BarColumn(), MofNCompleteColumn())
    async with GraphQLClient(url) as graph:
        await graph.sign_in(username, password)
        with Progress(*columns, console=Console(file=sys.stderr)) as bars:
            tasks = {kind: bars.add_task(kind, total=None) for kind, _ in find_files(folder)}

            def show(kind: str, done: int, total: int) -> None:
                bars.update(tasks[kind], completed=done, total=total)

            async for result in upload_all(graph, folder, show, dry_run=dry_run):
                results.append(result)


def _report(results: "list[FileResult]", dry_run: bool) -> int:
    """Print the result of each file and every bad row; return the number of bad rows."""
    if dry_run:
        typer.echo("Nothing was imported: a dry run shows what would be.")
    for result in results:
        typer.echo(
            f"{result.kind}: {result.total} rows, {result.added} added, {result.changed} changed, "
            f"{result.unchanged} unchanged, {len(result.bad_rows)} bad"
        )
    for result in results:
        for row in result.bad_rows:
            where = f"{row['file']}:{row['line']}" + (f" {row['field']}" if row["field"] else "")
            typer.echo(f"{where}: {row['code']}: {row['reason']}")
    return sum(len(result.bad_rows) for result in results)
