"""The hosts that a server answers for (RFC 9110, section 7.2; RFC 9112, section 3.2).

A request that names another host was sent here by mistake or on purpose: by a page whose name was pointed at our
address, or to have an answer kept under a name of somebody else's.
"""

import functools
import re
from collections.abc import Sequence

from services.chassis.http.server.endpoint import HeaderField
from services.chassis.runtime.settings import InvalidSettings

PROBE_PATHS = (b"/livez", b"/readyz")
"""What is asked for by address, by whoever looks whether the process lives."""

_AUTHORITY = re.compile(rb"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(:\d{0,5})?")
_ABSOLUTE = re.compile(rb"https?://(?P<authority>[^/?#@]*)(?P<rest>[/?].*)?", re.IGNORECASE | re.DOTALL)

_CACHE_SIZE = 1_000


class HostNotAllowed(Exception):
    """A request names no host, several, or one that is none of ours."""


class AllowedHosts:
    """Hosts by their names, whatever the port; without any, every single host is ours. WrongSettings for no name."""

    def __init__(self, names: Sequence[str]) -> None:
        for name in names:
            found = _AUTHORITY.fullmatch(name.encode())
            if found is None or found["host"] != name.encode():
                raise InvalidSettings(f"hosts: {name!r} is no name of a host (without a port)")
        self._names = {_normal(name.encode()) for name in names}
        self._is_allowed_cached = functools.lru_cache(maxsize=_CACHE_SIZE)(self._is_allowed)

    def check(self, target: bytes, fields: list[HeaderField]) -> bytes:
        """Return the target of a request in origin form, or raise WrongHost.

        ``fields`` have their names in lower case. The host of an absolute target counts, and is put in the place of the
        field's (RFC 9112, section 3.2.2).
        """
        said = [value for name, value in fields if name == b"host"]
        authority = said[0] if said else b""
        if not target.startswith(b"/"):
            absolute = _ABSOLUTE.fullmatch(target)
            if absolute is None:
                raise HostNotAllowed
            authority, rest = absolute["authority"], absolute["rest"] or b""
            target = rest if rest.startswith(b"/") else b"/" + rest
            fields[:] = [(name, authority if name == b"host" else value) for name, value in fields]
        if len(said) > 1 or not (
            (said and self._is_allowed_cached(authority)) or target.partition(b"?")[0] in PROBE_PATHS
        ):
            raise HostNotAllowed
        return target

    def _is_allowed(self, authority: bytes) -> bool:
        found = _AUTHORITY.fullmatch(authority)
        return found is not None and (not self._names or _normal(found["host"]) in self._names)


def _normal(name: bytes) -> bytes:
    return name.lower().removesuffix(b".")
