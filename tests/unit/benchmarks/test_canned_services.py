"""Tests of the canned services: responses from files, single or in one batch, and counts."""

import json
import re
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.chassis.rpc import batch_protocol
from services.contracts.orders.pickups import Pickup
from services.contracts.sites import Site
from services.contracts.values import Connection
from tests.benchmarks.contest import answers, subgraphs
from tests.benchmarks.contest.canned_services import CannedServices, run_canned_services
from tests.benchmarks.contest.pages import MANY, OTHERS, SMALL, Page

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, page in (("few", SMALL), ("many", MANY)):
        answers.write(tmp_path / name, page, "{}")
        subgraphs.write(tmp_path / name, page)
    return tmp_path


@pytest.fixture
def services(folder: Path) -> Iterator[CannedServices]:
    with run_canned_services(folder) as running:
        running.use("few")
        yield running


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def call(services: CannedServices, service: str, path: str, body: Any, selection: Any = None) -> tuple[int, bytes]:
    headers = {batch_protocol.SELECTION_HEADER: compact(selection)} if selection else {}
    request = urllib.request.Request(services.urls[service] + path, compact(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.status, response.read()


def post(services: CannedServices, service: str, path: str, body: Any) -> bytes:
    return call(services, service, path, body)[1]


def sites(first: int) -> Any:
    return {"page": {"first": first, "after": "a cursor"}, "fields": ["id"]}


def test_an_operation_has_the_response_in_the_file_of_the_page(services: CannedServices, folder: Path) -> None:
    assert post(services, "sites", "/rpc/sites", sites(1)) == (folder / "few" / "sites-1.json").read_bytes()
    services.use("many")
    assert post(services, "sites", "/rpc/sites", sites(200)) == (folder / "many" / "sites-200.json").read_bytes()
    assert post(services, "sites", "/rpc/sites", sites(1)) == (folder / "few" / "sites-1.json").read_bytes()


@pytest.mark.parametrize("page", [SMALL, *OTHERS[:2]], ids=lambda page: page.name)
def test_a_known_selection_gets_its_part(services: CannedServices, page: Page) -> None:
    status, body = call(services, "sites", "/rpc/sites", sites(1), [page.selected["sites"]])
    site = json.loads(body)["edges"][0]["node"]
    assert (status, list(site)) == (206, page.selected["sites"][1][1])  # type: ignore[index]


@pytest.mark.parametrize("selection", [[None], ["edges"], [["edges", ["node", ["id"]]]], [["edges"], None], [[]]])
def test_an_unknown_selection_gets_the_whole_result(services: CannedServices, folder: Path, selection: Any) -> None:
    whole = (folder / "few" / "sites-1.json").read_bytes()
    assert call(services, "sites", "/rpc/sites", sites(1), selection) == (200, whole)


def test_each_call_of_a_batch_has_its_own_selection(services: CannedServices, folder: Path) -> None:
    services.use("many")
    calls = [["openOrderCounts", {}], ["nextPickups", {}]]
    files = (folder / "many" / f"{name}.json" for name in ("openOrderCounts", "nextPickups.portal_page", "nextPickups"))
    counts, part, whole = (json.loads(file.read_bytes()) for file in files)
    selection = MANY.selected["nextPickups"]
    for selections, expected in (
        ([None, selection], [[200, counts], [206, part]]),
        ([selection, None], [[200, counts], [200, whole]]),
        ([selection], [[200, counts], [200, whole]]),
    ):
        assert json.loads(call(services, "orders", "/rpc", calls, selections)[1]) == expected


def test_the_last_request_of_a_service_is_shown(services: CannedServices) -> None:
    post(services, "sites", "/rpc/sites", sites(1))
    post(services, "orders", "/rpc", [])
    head, _, body = services.last_request("sites").partition("\r\n\r\n")
    assert head.startswith("POST /rpc/sites HTTP/1.1\r\n")
    assert json.loads(body) == sites(1)


def test_a_response_has_the_head_of_a_real_one(services: CannedServices) -> None:
    host, _, port = services.urls["sites"].removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.send(b"POST /rpc/publicKeys HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        head = connection.recv(65536).partition(b"\r\n\r\n")[0]
    date = rb"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"
    fields = rb"date: %b\r\nx-content-type-options: nosniff\r\ncontent-length: \d+\r\ncontent-type: application/json"
    assert re.fullmatch(rb"HTTP/1.1 200 OK\r\n" + fields % date, head)


def test_a_batch_is_answered_in_order(services: CannedServices, folder: Path) -> None:
    services.use("many")
    ids = [f'site_{number} "[["' for number in range(200)]
    calls = [["openOrderCounts", {"siteIds": ids, "x": [["nextPickups"]]}], ["nextPickups", {"siteIds": ids}]]
    response = json.loads(post(services, "orders", "/rpc", calls))
    expected = [json.loads((folder / "many" / f"{name}.json").read_bytes()) for name, _ in calls]
    assert response == [[200, one] for one in expected]
    assert json.loads(post(services, "orders", "/rpc", [])) == []


def test_a_call_is_the_same_in_a_batch(services: CannedServices, folder: Path) -> None:
    whole = (folder / "few" / "sites-1.json").read_bytes()
    assert post(services, "sites", "/rpc", [["sites", sites(1)]]) == b"[[200,%b]]" % whole
    status, body = call(services, "sites", "/rpc", [["sites", sites(1)]] * 2, [SMALL.selected["sites"], None])
    assert (status, [one for one, _ in json.loads(body)]) == (200, [206, 200])


@pytest.mark.parametrize("page", [MANY, *OTHERS[:2]], ids=lambda page: page.name)
def test_a_query_to_a_subgraph_is_answered_by_its_text(services: CannedServices, page: Page) -> None:
    services.use("many")
    for fetch in subgraphs.fetches(page):
        variables = {"first": page.sites} if "$first" in fetch.query else {"representations": [{"id": "of any site"}]}
        status, body = call(services, "sites", "/graphql", {"query": fetch.query, "variables": variables})
        assert (status, json.loads(body)) == (200, {"data": fetch.data})


def test_calls_are_counted_by_service_and_path(services: CannedServices) -> None:
    for _ in range(3):
        post(services, "sites", "/rpc/sites", sites(1))
    post(services, "orders", "/rpc", [["nextPickups", {}]])
    assert services.path_counts("sites") == {"/rpc/sites": 3}
    assert services.path_counts("orders") == {"/rpc": 1}
    assert services.call_count() == 4


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/rpc/nothing", {}),
        ("/rpc", [["nothing", {}]]),
        ("/graphql", {"query": "{sites{edges{cursor}}}"}),
        ("/graphql", {}),
        ("/", {}),
    ],
)
def test_an_unknown_request_is_not_found(services: CannedServices, path: str, body: Any) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        post(services, "sites", path, body)


def test_requests_are_read_in_any_chunks(services: CannedServices, folder: Path) -> None:
    host, _, port = services.urls["sites"].removeprefix("http://").partition(":")
    request = b"POST /rpc/publicKeys HTTP/1.1\r\nHost: x\r\ncontent-length: 2\r\n\r\n{}"
    whole = (folder / "few" / "publicKeys.json").read_bytes()
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(request)):
            connection.send(request[place : place + 1])
        connection.send(request + request[:-1])
        connection.send(request[-1:])
        received = b""
        while received.count(whole) < 3:
            received += connection.recv(65536)
    assert received.count(b"HTTP/1.1 200 OK") == 3


def test_the_responses_are_values_of_the_contracts(folder: Path) -> None:
    sites_page = msgspec.json.decode((folder / "many" / "sites-200.json").read_bytes(), type=Connection[Site])
    pickups = msgspec.json.decode((folder / "many" / "nextPickups.json").read_bytes(), type=list[Pickup | None])
    counts = msgspec.json.decode((folder / "many" / "openOrderCounts.json").read_bytes(), type=list[int])
    assert len(sites_page.edges) == len(pickups) == len(counts) == MANY.sites
    assert [edge.node.id for edge in sites_page.edges] == [pickup.site_id for pickup in pickups if pickup]
