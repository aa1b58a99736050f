"""Server addresses: ``http://host:port/prefix``, or ``http+unix:///path.sock`` for a Unix socket."""

import asyncio
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit

import msgspec


class ServerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Address of a server."""

    authority: str
    """Value of the Host field (RFC 9112, section 3.2)."""
    host: str = ""
    port: int = 80
    socket: str = ""
    """Path of a Unix socket; empty for TCP."""
    prefix: str = ""
    """Prefix of every path."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the address in a URL; raise ValueError for any other kind of URL."""
        parts = urlsplit(url)
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError(f"expected an address without query, fragment or user: {url}")
        if parts.scheme == "http+unix" and not parts.netloc and parts.path:
            return cls(authority="localhost", socket=parts.path)
        if parts.scheme == "http" and parts.hostname:
            host, prefix = parts.hostname, parts.path.rstrip("/")
            return cls(authority=parts.netloc, host=host, port=parts.port or 80, prefix=prefix)
        raise ValueError(f"expected http://host:port or http+unix:///path: {url}")

    async def connect(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Open a connection for ``protocol``; raise OSError on failure. asyncio and uvloop both set TCP_NODELAY."""
        loop = asyncio.get_running_loop()
        if self.socket:
            await loop.create_unix_connection(protocol, self.socket)
        else:
            await loop.create_connection(protocol, self.host, self.port)
