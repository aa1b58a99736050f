"""The services by heart answer from files, alone or several in one round trip, and count."""

import json
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.contracts.orders import Pickup
from services.contracts.sites import Site
from services.contracts.values import Connection
from tests.benchmarks.contest import answers
from tests.benchmarks.contest.pages import MANY, SMALL
from tests.benchmarks.contest.services_by_heart import ServicesByHeart, services_by_heart

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    answers.write(tmp_path / "few", SMALL, "{}")
    answers.write(tmp_path / "many", MANY, "{}")
    return tmp_path


@pytest.fixture
def services(folder: Path) -> Iterator[ServicesByHeart]:
    with services_by_heart(folder) as running:
        running.use("few")
        yield running


def post(services: ServicesByHeart, service: str, path: str, body: Any) -> bytes:
    request = urllib.request.Request(services.urls[service] + path, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=5) as answer:
        found: bytes = answer.read()
    return found


def test_an_operation_is_answered_from_its_file_of_the_page_in_use(services: ServicesByHeart, folder: Path) -> None:
    assert post(services, "sites", "/rpc/sites", {}) == (folder / "few" / "sites.json").read_bytes()
    services.use("many")
    assert post(services, "sites", "/rpc/sites", {}) == (folder / "many" / "sites.json").read_bytes()


def test_a_round_trip_is_answered_in_its_order(services: ServicesByHeart, folder: Path) -> None:
    services.use("many")
    ids = [f'site_{number} "[["' for number in range(200)]
    calls = [["openOrderCounts", {"siteIds": ids, "x": [["nextPickups"]]}], ["nextPickups", {"siteIds": ids}]]
    answer = json.loads(post(services, "orders", "/rpc", calls))
    wanted = [json.loads((folder / "many" / f"{name}.json").read_bytes()) for name, _ in calls]
    assert answer == [[200, one] for one in wanted]
    assert json.loads(post(services, "orders", "/rpc", [])) == []


def test_calls_are_counted_by_service_and_path(services: ServicesByHeart) -> None:
    for _ in range(3):
        post(services, "sites", "/rpc/sites", {})
    post(services, "orders", "/rpc", [["nextPickups", {}]])
    assert services.counts("sites") == {"/rpc/sites": 3}
    assert services.counts("orders") == {"/rpc": 1}
    assert services.asked() == 4


@pytest.mark.parametrize(("path", "body"), [("/rpc/nothing", {}), ("/rpc", [["nothing", {}]]), ("/", {})])
def test_what_it_does_not_know_is_not_found(services: ServicesByHeart, path: str, body: Any) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        post(services, "sites", path, body)


def test_requests_come_in_any_pieces(services: ServicesByHeart, folder: Path) -> None:
    host, _, port = services.urls["sites"].removeprefix("http://").partition(":")
    one = b"POST /rpc/publicKeys HTTP/1.1\r\nHost: x\r\ncontent-length: 2\r\n\r\n{}"
    whole = (folder / "few" / "publicKeys.json").read_bytes()
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(one)):
            connection.send(one[place : place + 1])
        connection.send(one + one[:-1])
        connection.send(one[-1:])
        received = b""
        while received.count(whole) < 3:
            received += connection.recv(65536)
    assert received.count(b"HTTP/1.1 200 OK") == 3


def test_the_answers_are_the_contracts_own(folder: Path) -> None:
    sites = msgspec.json.decode((folder / "many" / "sites.json").read_bytes(), type=Connection[Site])
    pickups = msgspec.json.decode((folder / "many" / "nextPickups.json").read_bytes(), type=list[Pickup | None])
    counts = msgspec.json.decode((folder / "many" / "openOrderCounts.json").read_bytes(), type=list[int])
    assert len(sites.edges) == len(pickups) == len(counts) == MANY.sites
    assert [edge.node.id for edge in sites.edges] == [pickup.site_id for pickup in pickups if pickup]
