"""Client addresses: only trusted proxies may forward one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.trusted_proxies import TrustedProxies
from services.chassis.runtime.settings import InvalidSettings

NETWORKS = ["10.0.0.0/8", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("forwarded", "peer", "found"),
    [
        ("", "192.0.2.1", "192.0.2.1"),
        ("198.51.100.7", "10.0.0.1", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7", "10.0.0.1", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7, 10.0.0.2", "10.0.0.1", "198.51.100.7"),
        ("198.51.100.7", "2001:db8::1", "198.51.100.7"),
        ("2001:DB9:0::7", "10.0.0.1", "2001:db9::7"),
        ("10.0.0.3", "10.0.0.1", "10.0.0.3"),
        ("nonsense", "10.0.0.1", "10.0.0.1"),
        ("198.51.100.7, nonsense", "10.0.0.1", "10.0.0.1"),
        ("198.51.100.7, nonsense, 10.0.0.2", "10.0.0.1", "10.0.0.2"),
        ("203.0.113.9, 198.51.100.7:5678", "10.0.0.1", "198.51.100.7"),
        ("203.0.113.9, [2001:db9::1]:443", "10.0.0.1", "2001:db9::1"),
        ("203.0.113.9, 198.51.100.7, [2001:db8::2]:443, 10.0.0.2:80", "10.0.0.1", "198.51.100.7"),
        (" ,203.0.113.9,, 198.51.100.7 ,\t, 10.0.0.2,", "10.0.0.1", "198.51.100.7"),
        (",,", "10.0.0.1", "10.0.0.1"),
        ("198.51.100.7", "::ffff:10.0.0.1", "198.51.100.7"),
        ("198.51.100.7, ::ffff:10.0.0.2", "10.0.0.1", "198.51.100.7"),
        ("::ffff:198.51.100.7", "2001:db8::1%eth0", "198.51.100.7"),
        ("198.51.100.7", "::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_the_rightmost_untrusted_address(forwarded: str, peer: str, found: str) -> None:
    assert TrustedProxies(NETWORKS).resolve(forwarded, (peer, 1)) == found


def test_a_clients_field_before_the_proxys() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.9"), (b"accept", b"*/*"), (b"x-forwarded-for", b"198.51.100.7")]
    assert TrustedProxies(NETWORKS).client_address(headers, ("10.0.0.1", 1)) == "198.51.100.7"
    assert TrustedProxies([]).client_address(headers, ("10.0.0.1", 1)) == "10.0.0.1"


@given(st.text())
def test_an_untrusted_peer_is_not_believed(forwarded: str) -> None:
    assert TrustedProxies(NETWORKS).resolve(forwarded, ("192.0.2.1", 1)) == "192.0.2.1"
    assert TrustedProxies([]).resolve(forwarded, ("10.0.0.1", 1)) == "10.0.0.1"
    assert TrustedProxies([]).resolve(forwarded, None) == ""


@given(st.text())
def test_any_field_of_a_proxy(forwarded: str) -> None:
    assert TrustedProxies(NETWORKS).resolve(forwarded, ("10.0.0.1", 1))


def test_a_malformed_network() -> None:
    with pytest.raises(InvalidSettings, match="nonsense"):
        TrustedProxies(["nonsense"])
