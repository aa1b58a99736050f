"""Structured logs: one JSON object a line on standard output, with the trace id of the present work.

Logged fields are chosen by name: operation, ids, counts, durations. Bodies, headers, tokens, names, addresses and texts
are never logged. Of an exception the class and the places are, and its text is not: the database's errors quote rows.
"""

import asyncio
import datetime as dt
import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec
import structlog

from services.chassis.telemetry import tracing

_LIBRARY_LEVELS = {
    "aiokafka": "ERROR",
    "aiokafka.cluster": "CRITICAL",
    "aiokafka.client": "CRITICAL",
    "aiokafka.consumer.group_coordinator": "CRITICAL",
    "mail.log": "CRITICAL",  # aiosmtpd: its lines have addresses
    "uvicorn": "WARNING",
    "yoyo": "WARNING",
}


_NOISY_LIBRARY = "aiokafka"
"""Library that logs every attempt to reach an unavailable broker, ten times a second."""
_SPAN_LIBRARY = "opentelemetry"
"""Library that logs every attempt to reach an unavailable collector, and every dropped span."""
_REPEAT_INTERVAL_S = 10.0


_encoder = msgspec.json.Encoder(enc_hook=repr)

_FLUSH_DELAY_S = 0.05
"""Delay of the lines of requests, so that several are written together."""
_MAX_BUFFERED = 500
"""Buffered lines at most, even if the loop that was to write them has ended."""


class LineWriter(structlog.BytesLogger):
    """Buffered writer of a process's lines, in their order. One write a line would take longer than a small request."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._file = file
        self._buffer: list[msgspec.Raw | dict[str, Any]] = []

    def msg(self, message: bytes) -> None:
        """Write the buffered lines and this one."""
        self._buffer.append(msgspec.Raw(message))
        self.flush()

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg

    def write_later(self, entry: dict[str, Any]) -> None:
        """Buffer a line for 50 ms at most; write it now if no event loop is running."""
        self._buffer.append(entry)
        if len(self._buffer) == 1:
            try:
                asyncio.get_running_loop().call_later(_FLUSH_DELAY_S, self.flush)
            except RuntimeError:
                self.flush()
        elif len(self._buffer) >= _MAX_BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Write the buffered lines."""
        lines, self._buffer = self._buffer, []
        if lines:
            self._file.write(_encoder.encode_lines(lines))
            self._file.flush()


class _ProcessLog:
    """State of ``log_buffered`` once logging is configured."""

    name = ""
    lines: LineWriter | None = None
    """None if level INFO is disabled."""


class RepeatFilter(logging.Filter):
    """Filter that passes each message of a library once in ten seconds, with the number that it suppressed."""

    def __init__(self, library: str = _NOISY_LIBRARY) -> None:
        super().__init__()
        self._library = library
        self._last_logged: dict[object, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] != self._library:
            return True
        last, suppressed = self._last_logged.get(record.msg, (float("-inf"), 0))
        if record.created < last + _REPEAT_INTERVAL_S:
            self._last_logged[record.msg] = last, suppressed + 1
            return False
        self._last_logged[record.msg] = record.created, 0
        if suppressed:
            record.msg, record.args = f"{record.getMessage()} ({suppressed} similar suppressed)", None
        return True


def configure(process: str, level: str = "INFO") -> None:
    """Send this process's logs, and those of its libraries, to standard output as JSON lines."""

    def name_process(_: Any, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
        entry["process"] = process
        if trace := tracing.trace_id():
            entry["trace_id"] = trace
        return entry

    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_process,
        structlog.processors.ExceptionRenderer(format_error),
    ]
    lines = LineWriter(sys.stdout.buffer)
    _ProcessLog.name, _ProcessLog.lines = process, lines if logging.getLevelName(level) <= logging.INFO else None
    # Kierto's own lines bypass the standard library, in which each would take as long as a small request.
    structlog.configure(
        processors=[*shared, _render],
        logger_factory=lambda *_: lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    for library in (_NOISY_LIBRARY, _SPAN_LIBRARY):
        handler.addFilter(RepeatFilter(library))
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
    # These libraries log every failed attempt while a server starts; Kierto's own lines report it once.
    for name, library_level in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(library_level)


def format_error(exc_info: structlog.typing.ExcInfo) -> str:
    """Return the classes and places of an exception and of its causes, the first cause first, without their texts."""
    traces = [
        f"{''.join(traceback.format_tb(error.__traceback__))}{type(error).__module__}.{type(error).__qualname__}"
        for error in _with_causes(exc_info[1])
    ]
    return "\n\n".join(reversed(traces))


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    seen = set[int]()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _render(_: Any, __: str, entry: structlog.typing.EventDict) -> bytes:
    return _encoder.encode(entry)


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger for a module."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return bound


_unbuffered_logger = logger(__name__)


def log_buffered(event: str, **named: Any) -> None:
    """Log an event of every request at level INFO, without structlog's processors.

    The line is written within 50 ms; it is lost if the process is killed before.
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
    """Write the buffered lines before the process ends."""
    if _ProcessLog.lines is not None:
        _ProcessLog.lines.flush()
