"""Where a server listens: ``http://host:port/prefix``, or ``http+unix:///path.sock`` for a Unix socket."""

import asyncio
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit

import msgspec


class ServerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A server's address.

    ``authority`` is what the Host field says (RFC 9112, section 3.2), ``prefix`` what every path begins with.
    ``socket`` is the path of a Unix socket; empty for TCP.
    """

    authority: str
    host: str = ""
    port: int = 80
    socket: str = ""
    prefix: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """The address that a URL names; ValueError for any other URL."""
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
        """Open a connection that ``protocol`` takes over; OSError if there is none to be had.

        Both asyncio and uvloop switch Nagle's algorithm off by themselves.
        """
        loop = asyncio.get_running_loop()
        if self.socket:
            await loop.create_unix_connection(protocol, self.socket)
        else:
            await loop.create_connection(protocol, self.host, self.port)
