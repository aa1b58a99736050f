"""Allowed hosts of a server (RFC 9110, section 7.2; RFC 9112, section 3.2).

A request with another host is a mistake or an attack: DNS rebinding by a page, or cache poisoning under a foreign name.
"""

import functools
import re
from collections.abc import Sequence

from services.chassis.http.server.endpoint import HeaderField
from services.chassis.runtime.settings import InvalidSettings

PROBE_PATHS = (b"/livez", b"/readyz")
"""Targets that probes request by address."""

_AUTHORITY = re.compile(rb"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(:\d{0,5})?")
_ABSOLUTE = re.compile(rb"https?://(?P<authority>[^/?#@]*)(?P<rest>[/?].*)?", re.IGNORECASE | re.DOTALL)

_CACHE_SIZE = 1_000


class HostNotAllowed(Exception):
    """A request names no host, several, or one that is not allowed."""


class AllowedHosts:
    """Set of host names, without ports; an empty set allows every host. InvalidSettings for an invalid name."""

    def __init__(self, names: Sequence[str]) -> None:
        for name in names:
            match = _AUTHORITY.fullmatch(name.encode())
            if match is None or match["host"] != name.encode():
                raise InvalidSettings(f"hosts: {name!r} is no name of a host (without a port)")
        self._names = {_normalized(name.encode()) for name in names}
        self._is_allowed_cached = functools.lru_cache(maxsize=_CACHE_SIZE)(self._is_allowed)

    def check(self, target: bytes, fields: list[HeaderField]) -> bytes:
        """Return the target of a request in origin form, or raise HostNotAllowed.

        ``fields`` have their names in lower case. The host of an absolute target replaces the Host field's value
        (RFC 9112, section 3.2.2).
        """
        hosts = [value for name, value in fields if name == b"host"]
        authority = hosts[0] if hosts else b""
        if not target.startswith(b"/"):
            absolute = _ABSOLUTE.fullmatch(target)
            if absolute is None:
                raise HostNotAllowed
            authority, rest = absolute["authority"], absolute["rest"] or b""
            target = rest if rest.startswith(b"/") else b"/" + rest
            fields[:] = [(name, authority if name == b"host" else value) for name, value in fields]
        if len(hosts) > 1 or not (
            (hosts and self._is_allowed_cached(authority)) or target.partition(b"?")[0] in PROBE_PATHS
        ):
            raise HostNotAllowed
        return target

    def _is_allowed(self, authority: bytes) -> bool:
        match = _AUTHORITY.fullmatch(authority)
        return match is not None and (not self._names or _normalized(match["host"]) in self._names)


def _normalized(name: bytes) -> bytes:
    return name.lower().removesuffix(b".")
