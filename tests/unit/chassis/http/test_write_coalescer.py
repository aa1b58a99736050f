"""Write coalescing: writes go out at the end of the loop's iteration, in order, and not to closed connections."""

import asyncio
from typing import Any

from services.chassis.http.write_coalescer import write_coalescer_of


class RecordingTransport:
    """A transport that records its writes."""

    def __init__(self, noted: list[tuple[str, bytes]], name: str) -> None:
        self.noted, self.name, self.closing = noted, name, False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.noted.append((self.name, data))


async def test_writes_go_out_in_order_at_the_end_of_the_loops_iteration() -> None:
    noted: list[tuple[str, bytes]] = []
    one, other = RecordingTransport(noted, "one"), RecordingTransport(noted, "other")
    coalescer: Any = write_coalescer_of(asyncio.get_running_loop())
    coalescer.write(one, b"1")

    async def write_more() -> None:
        coalescer.write(other, b"2")
        coalescer.write(one, b"3")

    more = asyncio.create_task(write_more())
    assert noted == []
    await asyncio.sleep(0)
    assert more.done()
    await asyncio.sleep(0)
    assert noted == [("one", b"1"), ("other", b"2"), ("one", b"3")]
    coalescer.write(other, b"4")
    await asyncio.sleep(0)
    assert noted[3:] == [("other", b"4")], "the next iteration writes, too"


async def test_flush_writes_at_once() -> None:
    noted: list[tuple[str, bytes]] = []
    one = RecordingTransport(noted, "one")
    coalescer: Any = write_coalescer_of(asyncio.get_running_loop())
    coalescer.flush()
    coalescer.write(one, b"1")
    coalescer.flush()
    assert noted == [("one", b"1")]
    coalescer.write(one, b"2")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert noted == [("one", b"1"), ("one", b"2")]


async def test_a_closing_transport_gets_no_bytes() -> None:
    noted: list[tuple[str, bytes]] = []
    one, other = RecordingTransport(noted, "one"), RecordingTransport(noted, "other")
    coalescer: Any = write_coalescer_of(asyncio.get_running_loop())
    coalescer.write(one, b"1")
    coalescer.write(other, b"2")
    one.closing = True
    coalescer.flush()
    assert noted == [("other", b"2")]


async def test_each_loop_has_its_own_coalescer() -> None:
    here = write_coalescer_of(asyncio.get_running_loop())
    assert write_coalescer_of(asyncio.get_running_loop()) is here

    def elsewhere() -> bool:
        loop = asyncio.new_event_loop()
        try:
            return write_coalescer_of(loop) is here
        finally:
            loop.close()

    assert not await asyncio.to_thread(elsewhere)
