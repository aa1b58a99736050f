"""Many partners' systems in one process: each follows orderEvents, goes away at random, and comes back by its cursor.

``python -m tests.faults.subscribers WS_URL TOKEN_URL CLIENT_ID SECRET FOLDER SITES``: SITES is a file of site ids, one
subscriber each; before them come a few that follow everything or one type. Each writes what it got into a file of its
own in FOLDER, and what it wanted into its first line. A process of its own: it is no fault's target.
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
_FROM_THE_START = range(2, 2 + 5)
"""These begin at the log's start when their cursor has expired; all others, the first two too, from then on."""

SUBSCRIBE = """
    subscription ($after: String, $types: [String!], $siteId: ID) {
      orderEvents(after: $after, types: $types, siteId: $siteId) {
        __typename
        ... on OrderEvent { id cursor sequence type time }
        ... on Checkpoint { cursor }
        ... on CursorExpired { code start }
        ... on Refusal { problems { code } }
      }
    }
"""


class ReceivedEvent(msgspec.Struct, frozen=True):
    """One event as a subscriber got it."""

    sequence: int
    event_id: str
    time: str


class Subscription(msgspec.Struct):
    """What a subscriber got from one beginning on: its place in the log, and the events behind it."""

    generation: str
    after: int
    events: list[ReceivedEvent]


class SubscriberLog(msgspec.Struct):
    """All that one subscriber wrote down. ``expired``: how often its cursor was of another generation or too old."""

    wanted: dict[str, Any]
    subscriptions: list[Subscription]
    connections: int
    expired: int
    failed: list[str]
    """What it was answered in the place of events; it came again then."""


def read_log(file: Path) -> SubscriberLog:
    """What a subscriber has written so far; the line that it is writing does not count."""
    first, *lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    notes = SubscriberLog(json.loads(first), [], 0, 0, [])
    for line in lines:
        kind, *rest = json.loads(line)
        if kind == "begin":
            cursor = Cursor.parse(rest[0])
            assert cursor is not None
            notes.subscriptions.append(Subscription(str(cursor.generation), cursor.sequence, []))
        elif kind == "connected":
            notes.connections += 1
        elif kind == "expired":
            notes.expired += 1
        elif kind == "failed":
            notes.failed.append(json.dumps(rest))
        else:
            notes.subscriptions[-1].events.append(ReceivedEvent(*rest))
    return notes


class FollowingPartner:
    """One of them."""

    def __init__(self, file: IO[str], wanted: dict[str, Any], partner: "PartnerCredentials", patient: bool) -> None:
        """``patient``: whether it reads the whole log when its cursor has expired."""
        self._file = file
        self._partner = partner
        self._wanted = wanted
        self._rereads = patient
        self._cursor: str | None = None
        self._note(wanted)

    async def follow(self) -> None:
        """Connect, listen for a while, go without a word, and again."""
        while True:
            with contextlib.suppress(
                WebSocketException, OSError, TimeoutError, ValueError, aiohttp.ClientError, EOFError
            ):
                async with asyncio.timeout(random.uniform(1.0, _MAX_CONNECTED_S)):
                    await self._listen()
            await asyncio.sleep(random.uniform(0.0, 0.5))

    async def _listen(self) -> None:
        async with connect(
            self._partner.socket_url,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            close_timeout=0.1,
        ) as socket:
            try:
                await self._begin(socket)
                async for text in socket:
                    message = json.loads(text)
                    if message["type"] == "ping":
                        await socket.send('{"type": "pong"}')
                    elif message["type"] == "next" and "errors" not in message["payload"]:
                        self._take(message["payload"]["data"]["orderEvents"])
                    elif message["type"] != "complete":
                        self._note(["failed", message])
                        return
                    else:
                        return
            finally:
                socket.transport.abort()

    async def _begin(self, socket: ClientConnection) -> None:
        payload = {"Authorization": f"Bearer {await self._partner.token()}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        await socket.recv()
        query = {"query": SUBSCRIBE, "variables": {"after": self._cursor, **self._wanted}}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": query}))

    def _take(self, item: dict[str, Any]) -> None:
        kind = item["__typename"]
        if kind == "OrderEvent":
            self._note(["event", item["sequence"], item["id"], item["time"]])
            self._cursor = item["cursor"]
        elif kind == "Checkpoint":
            if self._cursor is None:
                self._note(["begin", item["cursor"]])
            self._note(["connected"])
            self._cursor = item["cursor"]
        elif kind == "CursorExpired":
            self._note(["expired"])
            self._cursor = None
            if self._rereads:
                self._note(["begin", item["start"]])
                self._cursor = item["start"]
        else:
            raise ValueError(item)

    def _note(self, what: object) -> None:
        self._file.write(json.dumps(what) + "\n")
        self._file.flush()


class PartnerCredentials:
    """The one partner that all of them are, with a token that is asked for when it is old."""

    def __init__(self, socket_url: str, token_url: str, client_id: str, secret: str) -> None:
        self.socket_url = socket_url
        self._token_url = token_url
        self._authorization = aiohttp.encode_basic_auth(client_id, secret)
        self._token = ""
        self._good_until = 0.0
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        async with self._lock:
            present = asyncio.get_running_loop().time()
            if present > self._good_until:
                headers = {"Authorization": self._authorization}
                form = {"grant_type": "client_credentials"}
                timeout = aiohttp.ClientTimeout(total=5)
                async with (
                    aiohttp.ClientSession(timeout=timeout) as session,
                    session.post(self._token_url, data=form, headers=headers) as response,
                ):
                    answer = await response.json()
                    if response.status != 200:
                        raise ValueError(answer)
                self._token = answer["access_token"]
                self._good_until = present + answer["expires_in"] / 2
            return self._token


async def main(socket_url: str, token_url: str, client_id: str, secret: str, folder: Path, sites: Path) -> None:
    partner = PartnerCredentials(socket_url, token_url, client_id, secret)
    wanted: list[dict[str, Any]] = [{} for _ in range(FOLLOW_ALL)]
    wanted += [{"types": [name]} for name in TYPES]
    wanted += [{"siteId": site} for site in sites.read_text(encoding="utf-8").split()]
    async with asyncio.TaskGroup() as group:
        for number, one in enumerate(wanted):
            file = (folder / f"{number:03}").open("w", encoding="utf-8")
            group.create_task(FollowingPartner(file, one, partner, number in _FROM_THE_START).follow())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5], Path(sys.argv[5]), Path(sys.argv[6])))  # type: ignore[call-arg, arg-type]
