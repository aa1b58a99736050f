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

from services.chassis import tracing

_QUIET = {
    "aiokafka": "ERROR",
    "aiokafka.cluster": "CRITICAL",
    "aiokafka.client": "CRITICAL",
    "aiokafka.consumer.group_coordinator": "CRITICAL",
    "uvicorn": "WARNING",
    "yoyo": "WARNING",
}


_OFTEN = "aiokafka"
"""The library that tells of every attempt to reach a broker that is away, ten times a second."""
_AGAIN_S = 10.0


_encoder = msgspec.json.Encoder(enc_hook=repr)

_SOON_S = 0.05
"""How long the lines of requests are kept, to be written together."""
_MOST_KEPT = 500
"""How many are, at most: also where the loop that was to write them is gone."""


class Lines(structlog.BytesLogger):
    """Where this process's lines go, in their order. A write each would take longer than a small request does."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._file = file
        self._kept: list[msgspec.Raw | dict[str, Any]] = []

    def msg(self, message: bytes) -> None:
        """Write a line, and before it all that is kept."""
        self._kept.append(msgspec.Raw(message))
        self.flush()

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg

    def soon(self, entry: dict[str, Any]) -> None:
        """Write a line within 50 ms, in company; or now, where no event loop runs that could do it later."""
        self._kept.append(entry)
        if len(self._kept) == 1:
            try:
                asyncio.get_running_loop().call_later(_SOON_S, self.flush)
            except RuntimeError:
                self.flush()
        elif len(self._kept) >= _MOST_KEPT:
            self.flush()

    def flush(self) -> None:
        """Write what is kept."""
        kept, self._kept = self._kept, []
        if kept:
            self._file.write(_encoder.encode_lines(kept))
            self._file.flush()


class _Process:
    """What ``often`` stands on, once logging is set up. ``lines`` is None where level INFO is not shown."""

    name = ""
    lines: Lines | None = None


class Seldom(logging.Filter):
    """Lets each kind of line of a library through once in ten seconds, with how many were left out since."""

    def __init__(self, library: str = _OFTEN) -> None:
        super().__init__()
        self._library = library
        self._said: dict[object, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] != self._library:
            return True
        last, left_out = self._said.get(record.msg, (float("-inf"), 0))
        if record.created < last + _AGAIN_S:
            self._said[record.msg] = last, left_out + 1
            return False
        self._said[record.msg] = record.created, 0
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more like this left out)", None
        return True


def set_up(process: str, level: str = "INFO") -> None:
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
    lines = Lines(sys.stdout.buffer)
    _Process.name, _Process.lines = process, lines if logging.getLevelName(level) <= logging.INFO else None
    # Our own lines are written as they are: by way of the standard library each would take as long as a small request.
    structlog.configure(
        processors=[*shared, _render],
        logger_factory=lambda *_: lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(Seldom())
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
    for name, quietest in _QUIET.items():
        logging.getLogger(name).setLevel(quietest)


def _render(_: Any, __: str, entry: structlog.typing.EventDict) -> bytes:
    return _encoder.encode(entry)


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger for the module of this name."""
    made: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return made


_often_otherwise = logger(__name__)


def often(event: str, **named: Any) -> None:
    """Log, at level INFO, what happens with every request: as a logger does, but past its machinery.

    The line is written within 50 ms; what ends the process otherwise than by its own will can take it along.
    """
    lines = _Process.lines
    if lines is None:
        _often_otherwise.info(event, **named)
        return
    named["event"] = event
    named["level"] = "info"
    named["timestamp"] = dt.datetime.now(dt.UTC)
    named["process"] = _Process.name
    if trace := tracing.trace_id():
        named["trace_id"] = trace
    lines.soon(named)


def flush() -> None:
    """Write what is kept to be written in company: the process is about to end."""
    if _Process.lines is not None:
        _Process.lines.flush()
