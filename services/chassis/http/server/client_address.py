"""The address a request comes from: how header fields and connections write it, and by what it is counted."""

import functools
import ipaddress
import re

_CACHE_SIZE, _MAX_LENGTH = 10_000, 100
_ENTRY = re.compile(r"\[(?P<bracketed>[^\]]*)\](?::\d{1,5})?|(?P<v4>[^:]*):\d{1,5}|(?P<bare>.*)", re.DOTALL)
"""``[2001:db8::1]:443``, ``192.0.2.1:443``, or an address alone. Behind a bare IPv6 address no port can stand."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052, section 2.1."""


def parse_address(text: str) -> str:
    """Return the address in its one canonical spelling; empty for what is none.

    Ports, brackets and zones (RFC 4007, section 11: known to one machine alone) are left out. An IPv4-mapped address
    is IPv4: that is how a socket for both families shows it.
    """
    return _parse(text) if len(text) <= _MAX_LENGTH else ""


def rate_limit_network(address: str) -> str:
    """Return what requests from an address are counted by: an IPv4 address itself, of an IPv6 address its /64.

    One subscriber has a whole /64 at least (RFC 6177, section 2), so its addresses are as good as one. Behind NAT64
    and 6to4 stands one IPv4 host, which owns many /64s (6to4) or shares one with all others (NAT64). What is no
    address is counted as it is.
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
    found = _ENTRY.fullmatch(text.strip())
    assert found is not None, "the last branch takes anything"
    written = next(part for part in found.groups() if part is not None)
    try:
        address = ipaddress.ip_address(written.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
