"""Logging: lines of requests are buffered, and repeated lines of libraries are suppressed and counted."""

import asyncio
import datetime as dt
import io
import json
import logging
import subprocess
import sys

import pytest

from services.chassis.telemetry.logging import LineWriter, RepeatFilter
from tests.support.servers import ROOT


def record(name: str, text: str, number: int, at: float) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.ERROR, "", 0, text, (number,), None)
    made.created = at
    return made


def filtered(seldom: RepeatFilter, *records: logging.LogRecord) -> list[str]:
    return [one.getMessage() for one in records if seldom.filter(one)]


def test_a_repeated_line_is_logged_once_in_ten_seconds() -> None:
    seconds = (0.0, 0.1, 0.2, 9.9, 10.1, 10.2, 30.0)
    lines = [record("aiokafka.client", "no node %s", number, at) for number, at in enumerate(seconds)]
    assert filtered(RepeatFilter(), *lines) == [
        "no node 0",
        "no node 4 (3 similar suppressed)",
        "no node 6 (1 similar suppressed)",
    ]


def test_other_lines_and_other_libraries_are_not_suppressed() -> None:
    lines = [
        record("aiokafka", "no node %s", 1, 0),
        record("aiokafka", "no leader %s", 2, 0),
        record("services.chassis.events.publish.relay", "waits %s", 3, 0),
        record("services.chassis.events.publish.relay", "waits %s", 4, 0),
    ]
    assert filtered(RepeatFilter(), *lines) == ["no node 1", "no leader 2", "waits 3", "waits 4"]


def test_lines_of_requests_are_written_together_and_in_order() -> None:
    file = io.BytesIO()
    lines = LineWriter(file)

    async def work() -> None:
        lines.write_later({"n": 1})
        lines.write_later({"n": 2})
        assert file.getvalue() == b"", "not one by one"
        lines.msg(b"3")
        assert file.getvalue() == b'{"n":1}\n{"n":2}\n3\n', "what comes at once does not overtake"
        lines.write_later({"n": 4})
        async with asyncio.timeout(60):
            while not file.getvalue().endswith(b'{"n":4}\n'):
                await asyncio.sleep(0.01)
        lines.write_later({"n": 5})
        lines.flush()
        assert file.getvalue().endswith(b'{"n":4}\n{"n":5}\n'), "and at the end"

    asyncio.run(work())
    lines.write_later({"n": 6})
    assert file.getvalue().endswith(b'{"n":5}\n{"n":6}\n'), "at once where no loop runs"


def test_lines_are_kept_in_bounds() -> None:
    file = io.BytesIO()
    lines = LineWriter(file)

    async def work(count: int) -> None:
        for _ in range(count):
            lines.write_later({"n": "x"})

    asyncio.run(work(10))
    assert file.getvalue() == b"", "the loop that was to write them is gone"
    asyncio.run(work(490))
    assert file.getvalue() == b'{"n":"x"}\n' * 500


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", True), ("INFO", True), ("WARNING", False)])
def test_a_line_of_a_request_looks_like_any_other(level: str, shown: bool) -> None:
    program = f"""
from services.chassis.telemetry import logging, tracing
logging.configure("gateway", {level!r})
with tracing.trace("00-{"a" * 32}-{"b" * 16}-01"):
    logging.log_buffered("executed", operation="Sites", ms=1.5)
    logging.logger("x").info("executed", operation="Sites", ms=1.5)
"""
    completed = subprocess.run(
        [sys.executable, "-P", "-c", program], check=True, capture_output=True, env={"PYTHONPATH": str(ROOT)}
    )
    lines = [json.loads(line) for line in completed.stdout.splitlines()]
    assert len(lines) == (2 if shown else 0)
    for line in lines:
        assert dt.datetime.fromisoformat(line.pop("timestamp")).tzinfo is not None
        assert list(line.items()) == [
            ("operation", "Sites"), ("ms", 1.5), ("event", "executed"), ("level", "info"), ("process", "gateway"),
            ("trace_id", "a" * 32),
        ]  # fmt: skip


def test_an_exception_is_logged_by_class_and_place_without_its_text() -> None:
    program = """
from services.chassis.telemetry import logging
logging.configure("gateway")

def read(row):
    raise KeyError(row)

try:
    try:
        read("a secret")
    except KeyError as error:
        raise ValueError("the secret was", error) from error
except ValueError:
    logging.logger("x").exception("failed")
    import logging as standard
    standard.getLogger("x").exception("failed, too")
"""
    completed = subprocess.run(
        [sys.executable, "-P", "-c", program], check=True, capture_output=True, env={"PYTHONPATH": str(ROOT)}
    )
    lines = [json.loads(line) for line in completed.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["failed", "failed, too"]
    for line in lines:
        first, second = line["exception"].split("\n\n")
        assert first.endswith(", in read\nbuiltins.KeyError")
        assert second.endswith(", in <module>\nbuiltins.ValueError")
    assert b"secret" not in completed.stdout
