"""What libraries say of every attempt is logged now and then, with how often it was said."""

import logging

from services.chassis.logging import Seldom


def record(name: str, text: str, number: int, at: float) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.ERROR, "", 0, text, (number,), None)
    made.created = at
    return made


def passed(seldom: Seldom, *records: logging.LogRecord) -> list[str]:
    return [one.getMessage() for one in records if seldom.filter(one)]


def test_a_line_that_comes_again_and_again_is_let_through_once_in_ten_seconds() -> None:
    seconds = (0.0, 0.1, 0.2, 9.9, 10.1, 10.2, 30.0)
    lines = [record("aiokafka.client", "no node %s", number, at) for number, at in enumerate(seconds)]
    assert passed(Seldom(), *lines) == [
        "no node 0",
        "no node 4 (3 more like this left out)",
        "no node 6 (1 more like this left out)",
    ]


def test_other_lines_and_other_libraries_are_let_through() -> None:
    lines = [
        record("aiokafka", "no node %s", 1, 0),
        record("aiokafka", "no leader %s", 2, 0),
        record("services.chassis.relay", "waits %s", 3, 0),
        record("services.chassis.relay", "waits %s", 4, 0),
    ]
    assert passed(Seldom(), *lines) == ["no node 1", "no leader 2", "waits 3", "waits 4"]
