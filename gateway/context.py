"""What one request, or one socket, stands on: who asks, in which language, and the services in their name."""

import functools
from typing import Any, Self

import msgspec
from starlette.requests import HTTPConnection

from gateway.access import Access, Caller
from gateway.execution.loader import Loader
from gateway.once import once
from gateway.subscriptions.feed import Feed
from services.access import authentication
from services.access.service_token import ServiceTokens
from services.chassis.clock import Clock
from services.chassis.http_client.request import Fields
from services.chassis.rpc.client import client
from services.chassis.rpc.service import Service, caller_fields
from services.contracts.identity import Identity, Language
from services.contracts.imports import Importing
from services.contracts.orders import Orders
from services.contracts.sites import Sites
from services.contracts.stats import Stats
from services.contracts.support import Support


class Foundation(msgspec.Struct, frozen=True):
    """What the process has for all its requests. ``services`` by name; ``tokens`` are the gateway's own."""

    services: dict[str, Service]
    tokens: ServiceTokens
    access: Access
    feed: Feed
    clock: Clock


class Context:
    """The context of an operation. ``caller`` is None for a stranger; a socket's is set when it presents a token.

    ``address`` is where the request came from.
    """

    def __init__(self, foundation: Foundation, caller: Caller | None, language: Language, address: str) -> None:
        self.foundation = foundation
        self.language = language
        self.caller = caller
        self.connection_params: Any = None
        self._address = address

    @classmethod
    def of(cls, connection: HTTPConnection, foundation: Foundation, caller: Caller | None = None) -> Self:
        """The context of a request or a socket."""
        return cls(foundation, caller, authentication.language(connection), authentication.address(connection))

    @once
    def loader(self) -> Loader:
        """Gathers joins where the executor goes parent by parent."""
        return Loader()

    @property
    def headers(self) -> dict[str, str]:
        """The headers of calls in the caller's name."""
        return _headers(self.caller.token if self.caller else "", self.language, self._address)

    @once
    def fields(self) -> Fields:
        """The same as header fields."""
        return _fields(self.caller.token if self.caller else "", self.language, self._address)

    @once
    def identity(self) -> Identity:
        return client(Identity, self.foundation.services["identity"], self.fields)

    @once
    def sites(self) -> Sites:
        return client(Sites, self.foundation.services["sites"], self.fields)

    @once
    def orders(self) -> Orders:
        return client(Orders, self.foundation.services["orders"], self.fields)

    @once
    def stats(self) -> Stats:
        return client(Stats, self.foundation.services["stats"], self.fields)

    @once
    def support(self) -> Support:
        return client(Support, self.foundation.services["support"], self.fields)

    def importing(self, service: str) -> Importing:
        """The imports of a service."""
        return client(Importing, self.foundation.services[service], self.fields)


def _headers(token: str, language: Language, address: str) -> dict[str, str]:
    headers = {"Accept-Language": language.value, "X-Forwarded-For": address}
    return {**headers, "Authorization": f"Bearer {token}"} if token else headers


@functools.lru_cache(maxsize=2000)
def _fields(token: str, language: Language, address: str) -> Fields:
    """Made once for a caller: each is checked, letter by letter."""
    return caller_fields(_headers(token, language, address))
