"""Logs: one JSON object a line on standard output, with the trace id of the work at hand.

What is logged is chosen by name: operation, ids, counts, durations. Bodies, headers, tokens, names, addresses and
texts are never handed to a logger.
"""

import logging
import sys
from typing import Any

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


def set_up(process: str, level: str = "INFO") -> None:
    """Send this process's logs, and those of its libraries, to standard output in the one form."""

    def name_process(_: Any, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
        entry["process"] = process
        if trace := tracing.trace_id():
            entry["trace_id"] = trace
        return entry

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_process,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
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


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for the module of this name."""
    return structlog.stdlib.get_logger(name)
