"""Write coalescing: all writes of one iteration of the event loop go to their sockets at its end, back to back.

A write wakes its receiver on another core, which takes longer than the write itself. A receiver that is still busy at
the next write needs no second wake-up, and the CPU alternates less between the kernel and Python.
"""

import asyncio
import weakref

_coalescers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, "WriteCoalescer"] = weakref.WeakKeyDictionary()


class WriteCoalescer:
    """Buffer of the writes of a loop's present iteration."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._writes: list[tuple[asyncio.WriteTransport, bytes]] = []

    def write(self, transport: asyncio.WriteTransport, data: bytes) -> None:
        """Write at the end of this iteration, unless the connection is closed by then."""
        self._writes.append((transport, data))
        if len(self._writes) == 1:
            loop = self._loop()
            assert loop is not None, "it is running"
            loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write the buffered data now, before a direct write or close of a transport."""
        if not self._writes:
            return
        writes, self._writes = self._writes, []
        for transport, data in writes:
            if not transport.is_closing():
                transport.write(data)


def write_coalescer_of(loop: asyncio.AbstractEventLoop) -> WriteCoalescer:
    """Return the coalescer of a loop."""
    coalescer = _coalescers.get(loop)
    if coalescer is None:
        coalescer = _coalescers[loop] = WriteCoalescer(loop)
    return coalescer
