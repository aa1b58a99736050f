"""A partner's system, in a process of its own: follows orderEvents and writes down all that it gets, line by line.

``python -m tests.support.partner_process WS_URL TOKEN FILE`` goes on behind the last cursor that
FILE holds, or from now on.
It speaks graphql-transport-ws as its protocol document says.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

SUBSCRIBE = """
    subscription ($after: String) {
      orderEvents(after: $after) {
        __typename
        ... on OrderEvent { id cursor sequence type time subject organisationId data }
        ... on Checkpoint { cursor }
        ... on CursorExpired { code start }
        ... on Refusal { problems { code } }
      }
    }
"""


def read_items(file: Path) -> list[dict[str, str]]:
    """What a partner has written down so far. A line that a kill broke off does not count."""
    lines = file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []
    return [json.loads(line) for line in lines]


@contextlib.asynccontextmanager
async def subscribe(url: str, token: str, after: str | None) -> AsyncIterator[ClientConnection]:
    """A socket on which the events behind ``after`` come, from now on if it is None."""
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        payload = {"query": SUBSCRIBE, "variables": {"after": after}}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        yield socket


async def follow(url: str, token: str, file: Path) -> None:
    """Subscribe, and write down each item before the next is looked at."""
    items = read_items(file)
    after = items[-1]["cursor"] if items else None
    async with subscribe(url, token, after) as socket:
        with file.open("a", encoding="utf-8") as notes:
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "ping":
                    await socket.send(json.dumps({"type": "pong"}))
                elif message["type"] == "next":
                    notes.write(json.dumps(message["payload"]["data"]["orderEvents"]) + "\n")
                    notes.flush()
                    os.fsync(notes.fileno())
                else:
                    raise RuntimeError(message)


if __name__ == "__main__":
    asyncio.run(follow(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
