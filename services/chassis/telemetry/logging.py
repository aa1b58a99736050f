"""Logs: one JSON object a line on standard output, with the trace id of the work at hand.

What is logged is chosen by name: operation, ids, counts, durations. Bodies, headers, tokens, names, addresses and
texts are never handed to a logger.
"""

import asyncio
import datetime as dt
import logging
import sys
from typing import Any, BinaryIO

import msgspec
import structlog

from services.chassis.telemetry import tracing

_LIBRARY_LEVELS = {
    "aiokafka": "ERROR",
    "aiokafka.cluster": "CRITICAL",
    "aiokafka.client": "CRITICAL",
    "aiokafka.consumer.group_coordinator": "CRITICAL",
    "uvicorn": "WARNING",
    "yoyo": "WARNING",
}


_NOISY_LIBRARY = "aiokafka"
"""The library that tells of every attempt to reach a broker that is away, ten times a second."""
_REPEAT_INTERVAL_S = 10.0


_encoder = msgspec.json.Encoder(enc_hook=repr)

_FLUSH_DELAY_S = 0.05
"""How long the lines of requests are kept, to be written together."""
_MAX_BUFFERED = 500
"""How many are, at most: also where the loop that was to write them is gone."""


class LineWriter(structlog.BytesLogger):
    """Where this process's lines go, in their order. A write each would take longer than a small request does."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._file = file
        self._buffer: list[msgspec.Raw | dict[str, Any]] = []

    def msg(self, message: bytes) -> None:
        """Write a line, and before it all that is kept."""
        self._buffer.append(msgspec.Raw(message))
        self.flush()

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg

    def write_later(self, entry: dict[str, Any]) -> None:
        """Write a line within 50 ms, in company; or now, where no event loop runs that could do it later."""
        self._buffer.append(entry)
        if len(self._buffer) == 1:
            try:
                asyncio.get_running_loop().call_later(_FLUSH_DELAY_S, self.flush)
            except RuntimeError:
                self.flush()
        elif len(self._buffer) >= _MAX_BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Write what is kept."""
        kept, self._buffer = self._buffer, []
        if kept:
            self._file.write(_encoder.encode_lines(kept))
            self._file.flush()


class _ProcessLog:
    """What ``log_buffered`` stands on, once logging is set up. ``lines`` is None where level INFO is not shown."""

    name = ""
    lines: LineWriter | None = None


class RepeatFilter(logging.Filter):
    """Lets each kind of line of a library through once in ten seconds, with how many were left out since."""

    def __init__(self, library: str = _NOISY_LIBRARY) -> None:
        super().__init__()
        self._library = library
        self._last_logged: dict[object, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] != self._library:
            return True
        last, left_out = self._last_logged.get(record.msg, (float("-inf"), 0))
        if record.created < last + _REPEAT_INTERVAL_S:
            self._last_logged[record.msg] = last, left_out + 1
            return False
        self._last_logged[record.msg] = record.created, 0
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more like this left out)", None
        return True


def configure(process: str, level: str = "INFO") -> None:
    """Send this process's logs, and those of its libraries, to standard output in the one form."""

    def name_process(_: Any, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
        entry["process"] = process
        if trace := tracing.trace_id():
            entry["trace_id"] = trace
        return entry

    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_process,
        structlog.processors.format_exc_info,
    ]
    lines = LineWriter(sys.stdout.buffer)
    _ProcessLog.name, _ProcessLog.lines = process, lines if logging.getLevelName(level) <= logging.INFO else None
    # Our own lines are written as they are: by way of the standard library each would take as long as a small request.
    structlog.configure(
        processors=[*shared, _render],
        logger_factory=lambda *_: lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(RepeatFilter())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # What these tell of every attempt while a server is coming up, our own lines say once.
    for name, quietest in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(quietest)


def _render(_: Any, __: str, entry: structlog.typing.EventDict) -> bytes:
    return _encoder.encode(entry)


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger for the module of this name."""
    made: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return made


_unbuffered_logger = logger(__name__)


def log_buffered(event: str, **named: Any) -> None:
    """Log, at level INFO, what happens with every request: as a logger does, but past its machinery.

    The line is written within 50 ms; what ends the process otherwise than by its own will can take it along.
    """
    lines = _ProcessLog.lines
    if lines is None:
        _unbuffered_logger.info(event, **named)
        return
    named["event"] = event
    named["level"] = "info"
    named["timestamp"] = dt.datetime.now(dt.UTC)
    named["process"] = _ProcessLog.name
    if trace := tracing.trace_id():
        named["trace_id"] = trace
    lines.write_later(named)


def flush() -> None:
    """Write what is kept to be written in company: the process is about to end."""
    if _ProcessLog.lines is not None:
        _ProcessLog.lines.flush()
