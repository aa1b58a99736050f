"""Client addresses: parsing, and the networks that rate limits count by."""

import functools
import ipaddress
import re

_CACHE_SIZE, _MAX_LENGTH = 10_000, 100
_ENTRY = re.compile(r"\[(?P<bracketed>[^\]]*)\](?::\d{1,5})?|(?P<v4>[^:]*):\d{1,5}|(?P<bare>.*)", re.DOTALL)
"""``[2001:db8::1]:443``, ``192.0.2.1:443``, or an address alone. A bare IPv6 address can have no port."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052, section 2.1."""


def parse_address(text: str) -> str:
    """Return an address in its canonical spelling; an empty text if it is none.

    Ports, brackets and zones (RFC 4007, section 11: local to one machine) are removed. An IPv4-mapped address becomes
    IPv4, since a dual-stack socket shows IPv4 peers so.
    """
    return _parse(text) if len(text) <= _MAX_LENGTH else ""


def rate_limit_network(address: str) -> str:
    """Return the network that requests of an address are counted by: an IPv4 address itself, the /64 of an IPv6 one.

    A subscriber has at least a /64 (RFC 6177, section 2). An address of 6to4 or NAT64 is counted as its IPv4 host,
    which owns many /64s (6to4) or shares one with all others (NAT64). A text that is no address is returned as it is.
    """
    try:
        parsed = ipaddress.ip_address(parse_address(address))
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed in _NAT64:
        return str(ipaddress.IPv4Address(parsed.packed[-4:]))
    if parsed.sixtofour is not None:
        return str(parsed.sixtofour)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))


@functools.lru_cache(maxsize=_CACHE_SIZE)
def _parse(text: str) -> str:
    match = _ENTRY.fullmatch(text.strip())
    assert match is not None, "the last branch matches any text"
    literal = next(part for part in match.groups() if part is not None)
    try:
        address = ipaddress.ip_address(literal.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
