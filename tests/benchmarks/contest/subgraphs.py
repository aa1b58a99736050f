"""Canned subgraphs: a router's fetches for a page, and the results of sites and orders.

The queries are those that hive-router derives from the operations; the canned services know no others.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.benchmarks.contest import answers
from tests.benchmarks.contest.pages import OTHERS, Page


class Fetch(msgspec.Struct, frozen=True):
    """A query to a subgraph, and its result."""

    call: str
    """Its name for the canned services, which ends with the number of sites if that is a variable."""
    query: str
    """Its text, as the router writes it."""
    data: dict[str, Any]


def write(folder: Path, page: Page) -> None:
    """Write the responses of the subgraphs for a page."""
    for each in (page, *OTHERS):
        for fetch in fetches(each):
            query, response = msgspec.json.encode(fetch.query), msgspec.json.encode({"data": fetch.data})
            answers.write_part(folder, fetch.call, each, query, response)


def fetches(page: Page) -> Iterator[Fetch]:
    """Yield the fetches of a page: its sites, and the fields of orders if the page has joins."""
    results = answers.answers(page, public_keys="")
    yield _sites(page, results["sites"])
    if page.has_joins:
        yield _orders(page, results["nextPickups"], results["openOrderCounts"])


def _sites(page: Page, result: Any) -> Fetch:
    call, variables, first = "graphql", "$after:String", "1"
    selection: list[Any] = page.selected["sites"]
    if page.has_joins:
        call, variables, first = f"graphql-{page.sites}", "$after:String, $first:Int!", "$first"
        edges, (node, site) = selection
        selection = [
            edges,
            [node, ["__typename:Site", *site]],
        ]  # orders is queried by the key, which is among the fields
    query = f"query({variables}){{sites(after: $after, first: {first}){_text(selection)}}}"
    return Fetch(call, query, {"sites": _part("sites", selection, result)})


def _orders(page: Page, pickups: Any, counts: Sequence[int]) -> Fetch:
    pickup = page.selected["nextPickups"]
    selection = _text(["...on Site", ["nextPickup", pickup, "openOrderCount"]])
    query = f"query($representations:[_Any!]!){{_entities(representations: $representations){selection}}}"
    joined = zip(_part("nextPickups", pickup, pickups), counts, strict=True)
    return Fetch(
        "graphql",
        query,
        {"_entities": [{"nextPickup": pickup_part, "openOrderCount": count} for pickup_part, count in joined]},
    )


def _part(operation: str, selection: Sequence[Any], result: Any) -> Any:
    return msgspec.json.decode(answers.part(operation, msgspec.json.encode(selection), result))


def _text(selection: Sequence[Any]) -> str:
    """Return a selection as the router writes it: without the constants behind names."""
    fields = (f" {one.partition(':')[0]}" if isinstance(one, str) else _text(one) for one in selection)
    return f"{{{''.join(fields).lstrip()}}}"
