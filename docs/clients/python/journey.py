"""A program that signs in, shows the newest orders, orders an extra pickup, and follows the events of orders.

    python journey.py URL USERNAME PASSWORD AGREEMENT DAY CURSOR-FILE

It writes a line of JSON for whatever happens. Started again with the same file it goes on after the last event.
"""

import asyncio
import datetime as dt
import json
import sys
import uuid
from collections.abc import Awaitable
from pathlib import Path

from kierto_graph import KiertoClient
from kierto_graph.order_events import OrderEventsOrderEventsOrderPlacedEvent
from orders import CursorStore, Refused, follow_order_events, newest_orders, order_extra_pickup, sign_in
from pydantic import BaseModel


def show(**line: object) -> None:
    """Write a line."""
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


class CursorFile(CursorStore):
    """Keeps the cursor in a file; a database would keep it in the transaction that stores what an event did."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> str | None:
        return self._path.read_text() if self._path.exists() else None

    async def save(self, cursor: str) -> None:
        new = self._path.with_suffix(".new")
        new.write_text(cursor)
        new.replace(self._path)
        show(cursor=cursor)


async def handle(event: BaseModel) -> None:
    """Show an event."""
    order = event.order_id if isinstance(event, OrderEventsOrderEventsOrderPlacedEvent) else None
    show(event=getattr(event, "typename__", ""), order=order)


async def main(url: str, username: str, password: str, agreement: str, day: str, file: str) -> None:
    """Order, and follow the events for ever."""

    def connect() -> Awaitable[KiertoClient]:
        return sign_in(url, username, password)

    async with await connect() as client:
        show(orders=await newest_orders(client))
        try:
            number = await order_extra_pickup(client, agreement, dt.date.fromisoformat(day), str(uuid.uuid4()))
            show(ordered=number)
        except Refused as refused:
            show(refused=refused.by_input())
    await follow_order_events(connect, CursorFile(Path(file)), handle, lambda _: show(lost=True))


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except Refused as refused:
        show(refused=refused.by_input())
