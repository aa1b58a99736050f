"""What is written to connections in one turn of the event loop leaves at its end, one write right after the other.

A write wakes whoever waits for it, on another core, and that takes longer than to write. Whoever is busy still when
the next one comes need not be woken again; and the code of the kernel takes turns with ours less often.
"""

import asyncio
import weakref

_coalescers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, "WriteCoalescer"] = weakref.WeakKeyDictionary()


class WriteCoalescer:
    """The present turn of a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._writes: list[tuple[asyncio.WriteTransport, bytes]] = []

    def write(self, transport: asyncio.WriteTransport, data: bytes) -> None:
        """Write at the end of this turn, if the connection is not closed by then."""
        self._writes.append((transport, data))
        if len(self._writes) == 1:
            loop = self._loop()
            assert loop is not None, "it is running"
            loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write it now: for whoever may write, or close, by themselves."""
        if not self._writes:
            return
        writes, self._writes = self._writes, []
        for transport, data in writes:
            if not transport.is_closing():
                transport.write(data)


def write_coalescer_of(loop: asyncio.AbstractEventLoop) -> WriteCoalescer:
    """The turns of this loop."""
    turn = _coalescers.get(loop)
    if turn is None:
        turn = _coalescers[loop] = WriteCoalescer(loop)
    return turn
