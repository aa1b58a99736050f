"""Client addresses: the connection's peer, or the address that trusted proxies forward."""

import functools
import ipaddress
from collections.abc import Iterable, Sequence

from services.chassis.http.server.client_address import parse_address
from services.chassis.runtime.settings import InvalidSettings

_CACHE_SIZE = 10_000


class TrustedProxies:
    """The networks of the proxies in front of the gateway; InvalidSettings if one is malformed.

    Each proxy appends its client to ``X-Forwarded-For``. Elements to the left of the rightmost untrusted address may
    be forged.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        try:
            self._networks = [ipaddress.ip_network(one) for one in networks]
        except ValueError as error:
            raise InvalidSettings(f"trusted proxies: {error}") from None
        self._is_trusted = functools.lru_cache(maxsize=_CACHE_SIZE)(self._is_in_networks)

    def client_address(self, headers: Iterable[tuple[bytes, bytes]], peer: tuple[str, int] | None) -> str:
        """Return the client's address, of a request's header fields and its connection's peer; see ``resolve``."""
        if not self._networks:
            return self.resolve("", peer)
        # A proxy may append a field of its own to the client's.
        fields = [value for name, value in headers if name == b"x-forwarded-for"]
        return self.resolve(b",".join(fields).decode("latin-1"), peer)

    def resolve(self, forwarded: str, peer: tuple[str, int] | None) -> str:
        """Return the client's address, of the combined ``X-Forwarded-For`` and the peer; empty if it is unknown.

        Empty elements are ignored (RFC 9110, section 5.6.1). An element that is no address ends the search: the result
        is the proxy that appended it.
        """
        address = parse_address(peer[0]) if peer else ""
        if not forwarded or not self._networks:
            return address
        for element in filter(None, map(str.strip, reversed(forwarded.split(",")))):
            if not self._is_trusted(address):
                break
            client = parse_address(element)
            if not client:
                break
            address = client
        return address

    def _is_in_networks(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)
