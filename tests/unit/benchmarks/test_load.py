"""Tests of the load: its counts of requests and errors, and its times from when a request was due."""

import re
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.benchmarks.contest import load
from tests.benchmarks.contest.load import Load
from tests.benchmarks.contest.pages import OTHERS, PORTAL
from tests.unit.benchmarks.scripted_server import Respond, request_server, response_of, scripted_server

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")

RIGHT = response_of(b'{"data":{}}')


@pytest.fixture
def load_runner(tmp_path: Path) -> "LoadRunner":
    return LoadRunner(tmp_path / "request.http")


class LoadRunner:
    """Runner of the load against a server with scripted responses."""

    def __init__(self, request: Path) -> None:
        self._request = request
        self._request.write_bytes(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")

    def run_against(self, respond: Respond, *, connections: int = 2, seconds: float = 0.2, rate: float = 0) -> Load:
        with scripted_server(respond) as port:
            return load.run(port, self._request, connections=connections, seconds=seconds, rate=rate)


def test_every_request_is_counted(load_runner: LoadRunner) -> None:
    numbers: list[int] = []

    def respond(number: int) -> bytes:
        numbers.append(number)
        return RIGHT

    done = load_runner.run_against(respond, connections=3)
    assert done.all == len(numbers) == done.requests + 3, "each connection sends one request before the measurement"
    assert done.errors == 0
    assert 0 < done.p50 <= done.p99 <= done.most
    assert done.seconds >= 0.19


@pytest.mark.parametrize(
    "wrong",
    [response_of(b'{"data":{}}', 500), response_of(b'{"data":[]}'), response_of(b'{"data":null}'), response_of(b"")],
)
def test_a_response_unlike_the_first_is_an_error(load_runner: LoadRunner, wrong: bytes) -> None:
    done = load_runner.run_against(lambda number: wrong if number in (5, 7) else RIGHT)
    assert done.errors == 2


def test_a_chunked_response_is_accepted(load_runner: LoadRunner) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    done = load_runner.run_against(lambda _: head + b"3\r\n{}\n\r\n0\r\n\r\n")
    assert done.requests > 10
    assert done.errors == 0


def test_a_long_response_is_read_in_parts(load_runner: LoadRunner) -> None:
    done = load_runner.run_against(lambda _: response_of(b"x" * 1_000_000))
    assert done.requests > 2
    assert done.errors == 0


def test_a_lost_connection_ends_it(load_runner: LoadRunner) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        load_runner.run_against(lambda number: _hang_up() if number == 9 else RIGHT, connections=1)


def test_a_fixed_rate_is_kept(load_runner: LoadRunner) -> None:
    done = load_runner.run_against(lambda _: RIGHT, rate=200, seconds=0.5)
    assert done.requests == 100
    assert done.seconds > 0.45, "no faster than the rate"


def test_a_stall_counts_for_all_requests_due_meanwhile(load_runner: LoadRunner) -> None:
    def respond(number: int) -> bytes:
        if number == 10:
            time.sleep(0.4)
        return RIGHT

    # 100 are due in half a second; 80 of them during the stall, and these wait 0 to 400 ms.
    done = load_runner.run_against(respond, connections=2, rate=200, seconds=0.5)
    assert done.requests == 100
    assert done.most > 390_000
    assert done.p50 > 100_000
    closed = load_runner.run_against(respond, connections=2, seconds=0.5)
    assert closed.p50 < done.p50, "at full rate only the requests in flight wait"


def test_a_percentile_is_the_time_of_the_nearest_rank(load_runner: LoadRunner) -> None:
    def respond(number: int) -> bytes:
        if number == 2:
            time.sleep(1)
        return RIGHT

    done = load_runner.run_against(respond, connections=1, rate=10, seconds=0.2)
    assert done.requests == 2
    assert done.p50 < 900_000 < 1_000_000 < done.p99 == done.most


TOKENS = [f"token-{number:03}" for number in range(100)]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    requests, tokens = tmp_path / "requests", tmp_path / "tokens"
    requests.write_bytes(b"".join(page.template("/", len(TOKENS[0])) for page in (PORTAL, *OTHERS)))
    tokens.write_text("".join(f"{token}\n" for token in TOKENS))
    return requests, tokens


def _sent(files: tuple[Path, Path], *, seed: int) -> list[str]:
    requests: list[str] = []

    def respond(request: bytes) -> bytes:
        requests.append(request.decode())
        return RIGHT

    with request_server(respond) as port:
        load.run(port, *files, connections=1, rate=4_000, seconds=0.5, seed=seed)
    return requests


def test_no_two_requests_are_equal(files: tuple[Path, Path]) -> None:
    requests = _sent(files, seed=1)
    assert len(requests) == 2_001
    for pattern in (
        r"\r\ntraceparent: 00-([0-9a-f]{32})-[0-9a-f]{16}-01\r\n",
        r"\r\ntraceparent: 00-[0-9a-f]{32}-([0-9a-f]{16})-01\r\n",
        r"\r\nX-Request-Id: ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\r\n",
        r'"after":"([0-9a-f]{32})"',
    ):
        values = [value for request in requests for value in re.findall(pattern, request)]
        assert len(values) == len(set(values)) == len(requests)


def test_callers_are_drawn_evenly(files: tuple[Path, Path]) -> None:
    callers = Counter(re.findall(r"Authorization: Bearer (.+)\r\n", "".join(_sent(files, seed=1))))
    assert sorted(callers) == TOKENS
    assert max(callers.values()) < 50, "each 20 times, about"


def test_one_request_in_a_hundred_is_one_of_the_others(files: tuple[Path, Path]) -> None:
    operations = Counter(re.findall(r"query (\w+)", "".join(_sent(files, seed=1))))
    others = sum(operations.values()) - operations["PortalPage"]
    assert 5 < others < 50, "20, about"
    assert len(operations) > 5


def test_the_seed_determines_the_requests(files: tuple[Path, Path]) -> None:
    first, repeated, other = (_sent(files, seed=seed) for seed in (1, 1, 2))
    assert first == repeated
    assert not set(first) & set(other)


def test_a_response_is_compared_with_the_first_to_the_same_operation(files: tuple[Path, Path]) -> None:
    def respond(request: bytes) -> bytes:
        return response_of(re.findall(rb"query (\w+)", request)[0])

    with request_server(respond) as port:
        done = load.run(port, *files, connections=1, rate=4_000, seconds=0.5)
    assert (done.requests, done.errors) == (2_000, 0)


def _hang_up() -> bytes:
    raise ConnectionResetError
