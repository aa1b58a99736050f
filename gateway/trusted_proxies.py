"""From where a request came: the other end of its connection, or what proxies of ours say that it was."""

import functools
import ipaddress
from collections.abc import Iterable, Sequence

from services.chassis.http.server.client_address import parse_address
from services.chassis.runtime.settings import InvalidSettings

_CACHE_SIZE = 10_000


class TrustedProxies:
    """The networks of the proxies in front of the gateway: they are believed. WrongSettings for what is no network.

    Each proxy adds whom it was asked by at the end of ``X-Forwarded-For``; what stands further to the left than the
    first that is no proxy of ours was written by a stranger.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        try:
            self._networks = [ipaddress.ip_network(one) for one in networks]
        except ValueError as error:
            raise InvalidSettings(f"trusted proxies: {error}") from None
        self._is_trusted = functools.lru_cache(maxsize=_CACHE_SIZE)(self._is_in_networks)

    def client_address(self, headers: Iterable[tuple[bytes, bytes]], peer: tuple[str, int] | None) -> str:
        """Return who asked, of a request's header fields and its connection's other end; see ``address``."""
        if not self._networks:
            return self.resolve("", peer)
        # A proxy may add a field of its own behind the one that a stranger sent.
        fields = [value for name, value in headers if name == b"x-forwarded-for"]
        return self.resolve(b",".join(fields).decode("latin-1"), peer)

    def resolve(self, forwarded: str, peer: tuple[str, int] | None) -> str:
        """Return who asked, of the field's value and of the connection's other end; empty if that is not known.

        ``forwarded`` is the list of all fields of that name. Empty elements are left out (RFC 9110, section 5.6.1). An
        element that is no address ends the way back: the one whom a proxy of ours asked for is not known, so it is
        the proxy itself.
        """
        found = parse_address(peer[0]) if peer else ""
        if not forwarded or not self._networks:
            return found
        for one in filter(None, map(str.strip, reversed(forwarded.split(",")))):
            if not self._is_trusted(found):
                break
            before = parse_address(one)
            if not before:
                break
            found = before
        return found

    def _is_in_networks(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)
