"""Upload of an ERP export: a folder of CSV files, imported one after the other, each after the files that it refers to.

In a demonstration export a date may be ``D+n`` or ``D-n``: days from a Monday that is chosen at the first load.
"""

import asyncio
import csv
import datetime as dt
import re
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.graphql_client import GraphQLClient, GraphQLClientError

KINDS = (
    "organisations",
    "invoices",
    "sites",
    "containers",
    "articles",
    "routes",
    "holidays",
    "rules",
    "agreements",
    "pickups",
)
"""The files of an export, each after those that it refers to."""

_OFFSET = re.compile(r"D([+-]\d+)")


@dataclass(frozen=True)
class FileResult:
    """Result of the import of one file."""

    kind: str
    total: int
    added: int
    changed: int
    unchanged: int
    bad_rows: Sequence[dict[str, Any]]


ReportProgress = Callable[[str, int, int], None]
"""Callback with a file's kind, the rows done and the number of all rows."""


def find_files(folder: Path) -> list[tuple[str, Path]]:
    """List the files of an export in order; raise GraphQLClientError if there is none or one is unknown."""
    unknown = sorted(file.name for file in folder.glob("*.csv") if file.stem not in KINDS)
    if unknown:
        raise GraphQLClientError(f"{', '.join(unknown)}: no such file in an export. Known: {', '.join(KINDS)}.")
    files = [(kind, folder / f"{kind}.csv") for kind in KINDS if (folder / f"{kind}.csv").is_file()]
    if not files:
        raise GraphQLClientError(f"{folder} holds none of {', '.join(f'{kind}.csv' for kind in KINDS)}.")
    return files


async def upload_all(
    graph: GraphQLClient, folder: Path, progress: ReportProgress, *, dry_run: bool = False
) -> AsyncIterator[FileResult]:
    """Upload, start and watch each file in turn, and yield its result."""
    for kind, file in find_files(folder):
        yield await _upload_file(graph, kind, file, progress, dry_run)


async def _upload_file(
    graph: GraphQLClient, kind: str, file: Path, progress: ReportProgress, dry_run: bool
) -> FileResult:
    import_id = await graph.upload(kind, file, file.name)
    await graph.mutate(_START, input={"id": import_id, "dryRun": dry_run})
    interval_s = 0.1
    while True:
        status = (await graph.execute(_PROGRESS, id=import_id))["import"]
        progress(kind, status["done"], status["total"])
        if status["state"] == "FAILED":
            raise GraphQLClientError(f"{file.name} could not be taken in; the service's log says why.")
        if status["state"] == "DONE":
            break
        await asyncio.sleep(interval_s)
        interval_s = min(interval_s * 1.2, 1)
    bad = await _fetch_bad_rows(graph, import_id) if status["failed"] else []
    return FileResult(kind, status["total"], status["added"], status["changed"], status["unchanged"], bad)


async def _fetch_bad_rows(graph: GraphQLClient, import_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = (await graph.execute(_BAD_ROWS, id=import_id, after=after))["import"]["badRows"]
        rows += [edge["node"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            return rows
        after = page["pageInfo"]["endCursor"]


def resolve_dates(source: Path, target: Path, monday: dt.date) -> None:
    """Copy an export with every ``D+n`` turned into a date."""
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for _, file in find_files(source):
        with (
            file.open(encoding="utf-8", newline="") as reading,
            (target / file.name).open("w", encoding="utf-8", newline="") as writing,
        ):
            writer = csv.writer(writing, lineterminator="\n")
            for row in csv.reader(reading):
                writer.writerow([_resolve(cell, monday) for cell in row])


def _resolve(cell: str, monday: dt.date) -> str:
    match = _OFFSET.fullmatch(cell)
    return (monday + dt.timedelta(days=int(match.group(1)))).isoformat() if match else cell


_START = """
    mutation ($input: StartImportInput!) {
      startImport(input: $input) { __typename ... on Refusal { problems { message } } }
    }
"""
_PROGRESS = "query ($id: ID!) { import(id: $id) { state total done added changed unchanged failed } }"
_BAD_ROWS = """
    query ($id: ID!, $after: String) {
      import(id: $id) {
        badRows(first: 200, after: $after) {
          edges { node { file line field code reason } } pageInfo { hasNextPage endCursor }
        }
      }
    }
"""
