"""A partner's system in a process of its own: it follows orderEvents and writes each item to a file, line by line.

``python -m tests.support.partner_process WS_URL TOKEN FILE`` goes on after the last cursor in
FILE, or from now on. It speaks graphql-transport-ws.
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
    """Read the items that a partner has written so far, without an incomplete last line."""
    lines = file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []
    return [json.loads(line) for line in lines]


@contextlib.asynccontextmanager
async def subscribe(url: str, token: str, after: str | None) -> AsyncIterator[ClientConnection]:
    """Open a socket that receives the events after the cursor ``after``, or from now on if it is None."""
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        payload = {"query": SUBSCRIBE, "variables": {"after": after}}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        yield socket


async def follow(url: str, token: str, file: Path) -> None:
    """Subscribe, and write each item before the next is received."""
    items = read_items(file)
    after = items[-1]["cursor"] if items else None
    async with subscribe(url, token, after) as socket:
        with file.open("a", encoding="utf-8") as output:
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "ping":
                    await socket.send(json.dumps({"type": "pong"}))
                elif message["type"] == "next":
                    output.write(json.dumps(message["payload"]["data"]["orderEvents"]) + "\n")
                    output.flush()
                    os.fsync(output.fileno())
                else:
                    raise RuntimeError(message)


if __name__ == "__main__":
    asyncio.run(follow(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
