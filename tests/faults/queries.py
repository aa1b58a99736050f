"""Queries that are asked at a steady rate, whatever becomes of them, and how long their answers took."""

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
"""Answers of a window by which it can be judged."""

TimeSpan = tuple[float, float]
"""From one moment to another, by ``time.monotonic()``."""


class QueryResult(msgspec.Struct, frozen=True):
    """An answer to a query. ``began`` and ``ended`` by ``time.monotonic()``."""

    began: float
    ended: float
    status: int
    body: dict[str, Any]

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class SteadyQueries:
    """One query, asked ``rate`` times a second in a user's name. It does not wait for its answers."""

    def __init__(self, url: str, token: str, document: str, rate: float) -> None:
        self.answers: list[QueryResult] = []
        self._url = f"{url}/graphql"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._document = document
        self._gap = 1 / rate

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Ask for the length of a block; what is under way at its end is waited for."""
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(connector=connector, headers=self._headers) as session,
            asyncio.TaskGroup() as group,
        ):
            asking = group.create_task(self._send_all(session, group))
            try:
                yield
            finally:
                asking.cancel()

    async def _send_all(self, session: aiohttp.ClientSession, group: asyncio.TaskGroup) -> None:
        turn = time.monotonic()
        while True:
            group.create_task(self._send(session))
            turn += self._gap
            await asyncio.sleep(max(0.0, turn - time.monotonic()))

    async def _send(self, session: aiohttp.ClientSession) -> None:
        began = time.monotonic()
        async with session.post(self._url, json={"query": self._document}) as response:
            body = await response.json(content_type=None)
        self.answers.append(QueryResult(began, time.monotonic(), response.status, body))

    def between(self, since: float, until: float) -> list[QueryResult]:
        """The answers to what was asked in that time."""
        return [one for one in self.answers if since <= one.began < until]

    def latency(self, spans: Sequence[TimeSpan]) -> "Latency":
        """That of what was asked in these spans."""
        cuts = []
        for since, until in spans:
            for number in range(int((until - since) / WINDOW_S)):
                begin = since + number * WINDOW_S
                seconds = [one.seconds for one in self.between(begin, begin + WINDOW_S)]
                if len(seconds) >= MIN_ANSWERS:  # else it was this process that had no time
                    cuts.append(statistics.quantiles(seconds, n=20))
        return Latency(statistics.median(cut[9] for cut in cuts), statistics.median(cut[18] for cut in cuts))


class Latency(msgspec.Struct, frozen=True):
    """Seconds: medians, over windows of a second, of the 50th and the 95th percentile of each window's answers.

    On few cores a moment in which somebody else computes makes one window slow, and not the median.
    """

    p50: float
    p95: float


def without_fields(fields: frozenset[str], value: Any) -> Any:
    """A value of an answer, with null in these fields, wherever they are."""
    if isinstance(value, dict):
        return {key: None if key in fields else without_fields(fields, one) for key, one in value.items()}
    if isinstance(value, list):
        return [without_fields(fields, one) for one in value]
    return value


def is_lacking(answer: QueryResult, whole: dict[str, Any], fields: frozenset[str]) -> bool:
    """Whether an answer lacks what these fields hold. AssertionError if it is not the whole one in all the others.

    What it lacks has its error, at its place, with the code UNAVAILABLE.
    """
    assert answer.status == 200, answer
    errors = answer.body.get("errors", [])
    assert {error["extensions"]["code"] for error in errors} <= {"UNAVAILABLE"}, errors
    assert all(fields & set(error["path"]) for error in errors), errors
    if not errors:
        assert answer.body["data"] == whole
        return False
    assert without_fields(fields, answer.body["data"]) == without_fields(fields, whole)
    return True
