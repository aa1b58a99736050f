"""Queries at a steady rate, independent of their responses, and their latency."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import msgspec

WINDOW_S = 1.0
MIN_ANSWERS = 20
"""Smallest number of responses of a window that is counted."""

TimeSpan = tuple[float, float]
"""Begin and end by ``time.monotonic()``."""


class QueryResult(msgspec.Struct, frozen=True):
    """A response to a query. ``began`` and ``ended`` by ``time.monotonic()``."""

    began: float
    ended: float
    status: int
    body: dict[str, Any]

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class SteadyQueries:
    """One query, sent ``rate`` times a second as a user, without waiting for responses."""

    def __init__(self, url: str, token: str, document: str, rate: float) -> None:
        self.results: list[QueryResult] = []
        self._url = f"{url}/graphql"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._document = document
        self._gap = 1 / rate

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Send queries for the length of a block; wait for those in flight at its end."""
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(connector=connector, headers=self._headers) as session,
            asyncio.TaskGroup() as group,
        ):
            sending = group.create_task(self._send_all(session, group))
            try:
                yield
            finally:
                sending.cancel()

    async def _send_all(self, session: aiohttp.ClientSession, group: asyncio.TaskGroup) -> None:
        next_at = time.monotonic()
        while True:
            group.create_task(self._send(session))
            next_at += self._gap
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))

    async def _send(self, session: aiohttp.ClientSession) -> None:
        began = time.monotonic()
        async with session.post(self._url, json={"query": self._document}) as response:
            body = await response.json(content_type=None)
        self.results.append(QueryResult(began, time.monotonic(), response.status, body))

    def between(self, since: float, until: float) -> list[QueryResult]:
        """Return the results of queries that began in this time."""
        return [result for result in self.results if since <= result.began < until]

    def latency(self, spans: Sequence[TimeSpan]) -> "Latency":
        """Return the latency of the queries that began in these spans."""
        cuts = []
        for since, until in spans:
            for number in range(int((until - since) / WINDOW_S)):
                begin = since + number * WINDOW_S
                seconds = [result.seconds for result in self.between(begin, begin + WINDOW_S)]
                if len(seconds) >= MIN_ANSWERS:  # else this process had no time
                    cuts.append(statistics.quantiles(seconds, n=20))
        return Latency(statistics.median(cut[9] for cut in cuts), statistics.median(cut[18] for cut in cuts))


class Latency(msgspec.Struct, frozen=True):
    """Seconds: medians, over windows of a second, of the 50th and the 95th percentile of each window.

    On few cores a burst of other work makes one window slow, but not the median.
    """

    p50: float
    p95: float


def without_fields(fields: frozenset[str], value: Any) -> Any:
    """Return a value of a response with null in these fields, at any depth."""
    if isinstance(value, dict):
        return {key: None if key in fields else without_fields(fields, item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_fields(fields, item) for item in value]
    return value


def is_lacking(result: QueryResult, whole: dict[str, Any], fields: frozenset[str]) -> bool:
    """Tell whether a response lacks these fields; raise AssertionError if it differs in others.

    Each missing field has its error, at its path, with the code UNAVAILABLE.
    """
    assert result.status == 200, result
    errors = result.body.get("errors", [])
    assert {error["extensions"]["code"] for error in errors} <= {"UNAVAILABLE"}, errors
    assert all(fields & set(error["path"]) for error in errors), errors
    if not errors:
        assert result.body["data"] == whole
        return False
    assert without_fields(fields, result.body["data"]) == without_fields(fields, whole)
    return True
