"""Client addresses: their canonical spelling, and the network that rate limits count by."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.http.server.client_address import parse_address, rate_limit_network


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1\t", "192.0.2.1"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("[192.0.2.1]:443", "192.0.2.1"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:443", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::FFFF:c000:201]:443", "192.0.2.1"),
        ("", ""),
        ("unknown", ""),
        ("_hidden", ""),
        ("unix:", ""),
        ("192.0.2.1:", ""),
        ("192.0.2.1:http", ""),
        ("192.0.2.256", ""),
        ("[2001:db8::7", ""),
        ("[2001:db8::7]443", ""),
        ("[[::1]]", ""),
        ("192.0.2.1 192.0.2.2", ""),
        ("0" * 100_000, ""),
    ],
)
def test_an_address_has_one_spelling(text: str, address: str) -> None:
    assert parse_address(text) == address


@given(st.ip_addresses())
def test_any_address_is_read_with_and_without_a_port(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    found = parse_address(str(address))
    assert found == parse_address(f"[{address}]:65535") == parse_address(found)
    assert ipaddress.ip_address(found) in (address, getattr(address, "ipv4_mapped", None))


@given(st.text())
def test_any_text_is_an_address_or_none(text: str) -> None:
    found = parse_address(text)
    assert found == "" or ipaddress.ip_address(found)
    assert rate_limit_network(found) == "" or ipaddress.ip_network(rate_limit_network(found))


@pytest.mark.parametrize(
    ("address", "counted_by"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("2002:c000:201:77::1", "192.0.2.1"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_addresses_of_one_subscriber_have_one_network(address: str, counted_by: str) -> None:
    assert rate_limit_network(address) == counted_by
