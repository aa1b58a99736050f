"""Allowed hosts of requests (RFC 9112, sections 3.2 and 3.2.2)."""

import pytest

from services.chassis.http.server.allowed_hosts import AllowedHosts, HostNotAllowed
from services.chassis.runtime.settings import InvalidSettings

OURS = ["api.example", "[2001:db8::1]"]
FOREIGN = [b"evil.example", b"xapi.example", b"api.example.evil.example"]
WRONG = [
    b"",
    b" ",
    b"api.example, evil.example",
    b"api.example evil.example",
    b"u@api.example",
    b"api.example:x",
    b"[::1",
]


@pytest.mark.parametrize("host", [b"api.example", b"API.Example:8443", b"api.example.", b"[2001:DB8::1]:443"])
def test_an_allowed_host_is_accepted_with_any_port(host: bytes) -> None:
    assert AllowedHosts(OURS).check(b"/graphql?a=1", [(b"host", host)]) == b"/graphql?a=1"
    assert AllowedHosts([]).check(b"/graphql", [(b"host", host)]) == b"/graphql"


@pytest.mark.parametrize("host", [*FOREIGN, *WRONG])
def test_other_hosts_are_refused(host: bytes) -> None:
    with pytest.raises(HostNotAllowed):
        AllowedHosts(OURS).check(b"/graphql", [(b"host", host)])
    with pytest.raises(HostNotAllowed):
        AllowedHosts(OURS).check(b"http://%b/graphql" % host, [(b"host", b"api.example")])


@pytest.mark.parametrize("host", FOREIGN)
def test_without_names_every_host_is_allowed(host: bytes) -> None:
    assert AllowedHosts([]).check(b"/graphql", [(b"host", host)]) == b"/graphql"


@pytest.mark.parametrize("names", [[], OURS])
@pytest.mark.parametrize(
    "fields", [[], [(b"host", b"api.example"), (b"host", b"api.example")], [(b"hosts", b"api.example")]]
)
@pytest.mark.parametrize("target", [b"/graphql", b"http://api.example/graphql"])
def test_a_request_has_exactly_one_host(names: list[str], fields: list[tuple[bytes, bytes]], target: bytes) -> None:
    with pytest.raises(HostNotAllowed):
        AllowedHosts(names).check(target, fields)


@pytest.mark.parametrize(
    ("target", "origin_form"),
    [
        (b"http://api.example/graphql?a=http://x", b"/graphql?a=http://x"),
        (b"HTTPS://API.example:443?a=1", b"/?a=1"),
        (b"http://api.example", b"/"),
    ],
)
def test_the_host_of_an_absolute_target_counts(target: bytes, origin_form: bytes) -> None:
    fields = [(b"accept", b"*/*"), (b"host", b"evil.example")]
    assert AllowedHosts(OURS).check(target, fields) == origin_form
    assert fields[1][1].lower().startswith(b"api.example")


@pytest.mark.parametrize("target", [b"*", b"api.example:443", b"ftp://api.example/", b"http:///graphql", b"graphql"])
def test_other_targets_have_no_host(target: bytes) -> None:
    with pytest.raises(HostNotAllowed):
        AllowedHosts([]).check(target, [(b"host", b"api.example")])


@pytest.mark.parametrize("fields", [[], [(b"host", b"10.0.0.7:8700")]])
@pytest.mark.parametrize("target", [b"/livez", b"/readyz?verbose"])
def test_probes_are_allowed_by_address(target: bytes, fields: list[tuple[bytes, bytes]]) -> None:
    assert AllowedHosts(OURS).check(target, fields) == target
    with pytest.raises(HostNotAllowed):
        AllowedHosts(OURS).check(target, [(b"host", b"a"), (b"host", b"a")])


@pytest.mark.parametrize("name", ["", "https://api.example", "api.example:443", "*.example", "a b"])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidSettings):
        AllowedHosts([name])
