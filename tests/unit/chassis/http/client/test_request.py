"""Serialisation of requests: no value can end its line."""

import pytest

from services.chassis.http.client import request
from services.chassis.http.client.address import ServerAddress

HERE = ServerAddress.parse("http://127.0.0.1:8000/orders/")


def test_the_bytes_of_a_request() -> None:
    made = request.with_body(
        request.request_prefix(HERE, "POST", "/rpc/x"), request.field_lines({"Accept-Language": "fi"}), b"{}"
    )
    assert made == (
        b"POST /orders/rpc/x HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAccept-Language: fi\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_a_streamed_body_is_chunked() -> None:
    made = request.chunked_head(request.request_prefix(HERE, "POST", "/x"), request.field_lines({}))
    assert made.endswith(b"Transfer-Encoding: chunked\r\n\r\n")
    assert request.chunk(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"
    assert request.chunk(b"") == b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "no/slash"),
        ("POST", "/a b"),
        ("POST", "/a\r\nX: y"),
        ("POST", "/ä"),
        ("POST", "/a\x00"),
        ("POST", "http://other/"),
        ("POST /x HTTP/1.1\r\nX: y\r\n", "/"),
        ("HEAD", "/"),
        ("CONNECT", "/"),
    ],
)
def test_an_invalid_method_or_path_is_refused(method: str, path: str) -> None:
    with pytest.raises(ValueError, match="method and path"):
        request.request_prefix(ServerAddress.parse("http://127.0.0.1:8000"), method, path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("A", "b\r\nX: y"),
        ("A", "b\n"),
        ("A", "b\x00"),
        ("A", "\r"),
        ("A: b\r\nX", "y"),
        ("", "b"),
        ("A B", "c"),
        ("A", "ł"),
        ("Content-Length", "3"),
        ("transfer-encoding", "chunked"),
        ("Host", "other"),
        ("Connection", "close"),
    ],
)
def test_a_field_is_one_line_and_leaves_framing_alone(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"HTTP does not allow|set by the client") as caught:
        request.field_lines({name: value})
    assert not value or value not in str(caught.value)


def test_values_are_latin_1_as_they_came() -> None:
    assert request.field_lines({"A": "ä\tb", "B": ""}) == b"A: \xe4\tb\r\nB: \r\n"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://sites:8001", ServerAddress(authority="sites:8001", host="sites", port=8001)),
        ("http://sites", ServerAddress(authority="sites", host="sites", port=80)),
        ("http://[::1]:80/", ServerAddress(authority="[::1]:80", host="::1", port=80)),
        ("http://a:1/b/c/", ServerAddress(authority="a:1", host="a", port=1, prefix="/b/c")),
        ("http+unix:///run/a.sock", ServerAddress(authority="localhost", socket="/run/a.sock")),
    ],
)
def test_an_address_is_read(url: str, address: ServerAddress) -> None:
    assert ServerAddress.parse(url) == address


@pytest.mark.parametrize(
    "url",
    ["", "sites:8001", "https://sites", "http://", "http+unix://", "http+unix://host/a", "http://a?b", "http://u@a"],
)
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        ServerAddress.parse(url)
