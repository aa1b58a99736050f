"""From where a request came: the other end of its connection, or what proxies of ours say that it was."""

import functools
import ipaddress
from collections.abc import Sequence

from services.chassis.settings import WrongSettings

_MOST_KEPT = 10_000


class Proxies:
    """The networks of the proxies in front of the gateway: they are believed. WrongSettings for what is no network.

    Each proxy adds whom it was asked by at the end of ``X-Forwarded-For``; what stands further to the left than the
    first that is no proxy of ours was written by a stranger.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        try:
            self._networks = [ipaddress.ip_network(one) for one in networks]
        except ValueError as error:
            raise WrongSettings(f"trusted proxies: {error}") from None
        self._ours = functools.lru_cache(maxsize=_MOST_KEPT)(self._is_ours)

    def address(self, forwarded: str, peer: tuple[str, int] | None) -> str:
        """Who asked, of the field's value and of the connection's other end; empty if nobody knows."""
        found = peer[0] if peer else ""
        if not forwarded or not self._networks:
            return found
        for one in reversed(forwarded.split(",")):
            if not self._ours(found):
                break
            found = _address(one.strip()) or found
        return found

    def _is_ours(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


def _address(text: str) -> str:
    """An address as it is written in one way; empty for what is none."""
    try:
        return str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        return ""
