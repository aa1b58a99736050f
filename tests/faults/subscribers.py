"""Many partners' systems in one process: each follows orderEvents, and reconnects at random by its cursor.

``python -m tests.faults.subscribers WS_URL TOKEN_URL CLIENT_ID SECRET FOLDER SITES``: SITES is a file of site ids, one
subscriber each; before them come a few that follow everything or one type. Each writes the events into a file of its
own in FOLDER, after a first line with its filters. They run in a process of their own, which no fault reaches.
"""

import asyncio
import contextlib
import json
import random
import sys
from pathlib import Path
from typing import IO, Any

import aiohttp
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from services.chassis.events.event_log import Cursor

FOLLOW_ALL = 4
TYPES = ("orders.order.placed", "orders.order.moved", "orders.pickup.recorded")
_MAX_CONNECTED_S = 12.0
_REREADING = range(2, 2 + 5)
"""Subscribers that read the whole log when their cursor has expired; the others go on from the present."""

SUBSCRIBE = """
    subscription ($after: String, $filter: OrderEventFilter) {
      orderEvents(after: $after, filter: $filter) {
        __typename
        ... on OrderEvent { id cursor sequence type time }
        ... on Checkpoint { cursor }
        ... on CursorExpired { code start }
        ... on Refusal { problems { code } }
      }
    }
"""


class ReceivedEvent(msgspec.Struct, frozen=True):
    """One event as a subscriber received it."""

    sequence: int
    event_id: str
    time: str


class Subscription(msgspec.Struct):
    """Events that a subscriber received without a gap, and their beginning in the log."""

    generation: str
    after: int
    events: list[ReceivedEvent]


class SubscriberLog(msgspec.Struct):
    """The log of one subscriber."""

    filters: dict[str, Any]
    subscriptions: list[Subscription]
    connections: int
    expired: int
    """Number of times that its cursor was of another generation or too old."""
    failed: list[str]
    """Messages that it received instead of events; it reconnected then."""


def read_log(file: Path) -> SubscriberLog:
    """Read the log of a subscriber, without an incomplete last line."""
    first, *lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    log = SubscriberLog(json.loads(first), [], 0, 0, [])
    for line in lines:
        kind, *rest = json.loads(line)
        if kind == "begin":
            cursor = Cursor.parse(rest[0])
            assert cursor is not None
            log.subscriptions.append(Subscription(str(cursor.generation), cursor.sequence, []))
        elif kind == "connected":
            log.connections += 1
        elif kind == "expired":
            log.expired += 1
        elif kind == "failed":
            log.failed.append(json.dumps(rest))
        else:
            log.subscriptions[-1].events.append(ReceivedEvent(*rest))
    return log


class FollowingPartner:
    """One subscriber."""

    def __init__(self, file: IO[str], filters: dict[str, Any], partner: "PartnerCredentials", rereads: bool) -> None:
        """``rereads``: whether it reads the whole log when its cursor has expired."""
        self._file = file
        self._partner = partner
        self._filters = filters
        self._rereads = rereads
        self._cursor: str | None = None
        self._write(filters)

    async def follow(self) -> None:
        """Connect, receive for a while, abort the connection, and repeat."""
        while True:
            with contextlib.suppress(
                WebSocketException, OSError, TimeoutError, ValueError, aiohttp.ClientError, EOFError
            ):
                async with asyncio.timeout(random.uniform(1.0, _MAX_CONNECTED_S)):
                    await self._receive_all()
            await asyncio.sleep(random.uniform(0.0, 0.5))

    async def _receive_all(self) -> None:
        async with connect(
            self._partner.socket_url,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            close_timeout=0.1,
        ) as socket:
            try:
                await self._subscribe(socket)
                async for text in socket:
                    message = json.loads(text)
                    if message["type"] == "ping":
                        await socket.send('{"type": "pong"}')
                    elif message["type"] == "next" and "errors" not in message["payload"]:
                        self._log_item(message["payload"]["data"]["orderEvents"])
                    elif message["type"] != "complete":
                        self._write(["failed", message])
                        return
                    else:
                        return
            finally:
                socket.transport.abort()

    async def _subscribe(self, socket: ClientConnection) -> None:
        payload = {"Authorization": f"Bearer {await self._partner.token()}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        await socket.recv()
        query = {"query": SUBSCRIBE, "variables": {"after": self._cursor, "filter": self._filters}}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": query}))

    def _log_item(self, item: dict[str, Any]) -> None:
        kind = item["__typename"]
        if kind.endswith("Event"):
            self._write(["event", item["sequence"], item["id"], item["time"]])
            self._cursor = item["cursor"]
        elif kind == "Checkpoint":
            if self._cursor is None:
                self._write(["begin", item["cursor"]])
            self._write(["connected"])
            self._cursor = item["cursor"]
        elif kind == "CursorExpired":
            self._write(["expired"])
            self._cursor = None
            if self._rereads:
                self._write(["begin", item["start"]])
                self._cursor = item["start"]
        else:
            raise ValueError(item)

    def _write(self, entry: object) -> None:
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()


class PartnerCredentials:
    """Credentials of the one partner that all subscribers are, with a token that is renewed in time."""

    def __init__(self, socket_url: str, token_url: str, client_id: str, secret: str) -> None:
        self.socket_url = socket_url
        self._token_url = token_url
        self._authorization = aiohttp.encode_basic_auth(client_id, secret)
        self._token = ""
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now > self._renew_at:
                headers = {"Authorization": self._authorization}
                form = {"grant_type": "client_credentials"}
                timeout = aiohttp.ClientTimeout(total=5)
                async with (
                    aiohttp.ClientSession(timeout=timeout) as session,
                    session.post(self._token_url, data=form, headers=headers) as response,
                ):
                    result = await response.json()
                    if response.status != 200:
                        raise ValueError(result)
                self._token = result["access_token"]
                self._renew_at = now + result["expires_in"] / 2
            return self._token


async def main(socket_url: str, token_url: str, client_id: str, secret: str, folder: Path, sites: Path) -> None:
    partner = PartnerCredentials(socket_url, token_url, client_id, secret)
    filters: list[dict[str, Any]] = [{} for _ in range(FOLLOW_ALL)]
    filters += [{"types": [name]} for name in TYPES]
    filters += [{"siteIds": [site]} for site in sites.read_text(encoding="utf-8").split()]
    async with asyncio.TaskGroup() as group:
        for number, item in enumerate(filters):
            file = (folder / f"{number:03}").open("w", encoding="utf-8")
            group.create_task(FollowingPartner(file, item, partner, number in _REREADING).follow())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5], Path(sys.argv[5]), Path(sys.argv[6])))  # type: ignore[call-arg, arg-type]
