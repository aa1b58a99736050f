"""What one request, or one socket, stands on: who asks, in which language, and the services in their name."""

import msgspec
from starlette.requests import HTTPConnection

from gateway.access import Access, Caller
from gateway.execution.loader import Loader
from gateway.once import once
from gateway.proxies import Proxies
from gateway.subscriptions.feed import Feed
from services.access import authentication
from services.access.language import language_of
from services.access.service_token import ServiceTokens
from services.chassis.client_address import counted_network
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
from services.contracts.values import Refusal


class Foundation(msgspec.Struct, frozen=True):
    """What the process has for all its requests. ``services`` by name; ``tokens`` are the gateway's own.

    ``proxies`` say from where a request came.
    """

    services: dict[str, Service]
    tokens: ServiceTokens
    access: Access
    feed: Feed
    clock: Clock
    proxies: Proxies


class Calls:
    """The services, in one caller's name: every call says who asks (``token``), in which language and from where.

    From where is believed of what is asked for a stranger: there the gateway shows its own token, too.
    """

    def __init__(self, foundation: Foundation, token: str, language: Language, address: str) -> None:
        self._services, self._tokens = foundation.services, foundation.tokens
        self.headers = {"Accept-Language": language.value, "X-Forwarded-For": address}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    @once
    def _fields(self) -> Fields:
        return caller_fields(self.headers)

    @once
    def identity(self) -> Identity:
        return client(Identity, self._services["identity"], self._fields, for_stranger=self._tokens.for_stranger)

    @once
    def sites(self) -> Sites:
        return client(Sites, self._services["sites"], self._fields)

    @once
    def orders(self) -> Orders:
        return client(Orders, self._services["orders"], self._fields)

    @once
    def stats(self) -> Stats:
        return client(Stats, self._services["stats"], self._fields)

    @once
    def support(self) -> Support:
        return client(Support, self._services["support"], self._fields)

    def importing(self, service: str) -> Importing:
        """The imports of a service."""
        return client(Importing, self._services[service], self._fields)


class Asker(msgspec.Struct, frozen=True):
    """Who asks, and how: the same for all their requests. ``caller`` is None for a stranger.

    ``accepted`` is their ``Accept-Language``, ``language`` the one to answer in.
    ``kind`` is the caller's, empty for a stranger; ``key`` tells them from others of their kind.
    """

    caller: Caller | None
    accepted: str
    language: Language
    address: str
    calls: Calls
    kind: str
    key: str


class Context:
    """The context of an operation. A socket's caller is set when it presents a token."""

    def __init__(self, foundation: Foundation, asker: Asker) -> None:
        self.foundation = foundation
        self.asker = asker
        self.retry_after_s = 0
        """In so many seconds what was refused may be tried again; 0 where nothing was for that."""

    @property
    def caller(self) -> Caller | None:
        return self.asker.caller

    def note(self, refusal: Refusal) -> None:
        """Note when what was refused may be tried again, if the refusal says so."""
        for problem in refusal.problems:
            self.retry_after_s = max(self.retry_after_s, int(problem.params.get("seconds", 0)))

    @property
    def language(self) -> Language:
        return self.asker.language

    @property
    def identity(self) -> Identity:
        return self.asker.calls.identity

    @property
    def sites(self) -> Sites:
        return self.asker.calls.sites

    @property
    def orders(self) -> Orders:
        return self.asker.calls.orders

    @property
    def stats(self) -> Stats:
        return self.asker.calls.stats

    @property
    def support(self) -> Support:
        return self.asker.calls.support

    def importing(self, service: str) -> Importing:
        """The imports of a service."""
        return self.asker.calls.importing(service)

    @once
    def loader(self) -> Loader:
        """Gathers joins where the executor goes parent by parent."""
        return Loader()


def asker(foundation: Foundation, caller: Caller | None, accepted: str, address: str) -> Asker:
    """Who asks, from an address; ``accepted`` is their ``Accept-Language``."""
    language = language_of(accepted, caller.claims.locale if caller else "")
    calls = Calls(foundation, caller.token if caller else "", language, address)
    if caller is None:
        return Asker(None, accepted, language, address, calls, "", counted_network(address))
    return Asker(caller, accepted, language, address, calls, caller.kind.value, caller.subject_id)


def asker_of(connection: HTTPConnection, foundation: Foundation, caller: Caller | None) -> Asker:
    """Who asks by a request or a socket."""
    address = foundation.proxies.client_address(connection.scope["headers"], connection.scope["client"])
    return asker(foundation, caller, authentication.accepted_languages(connection), address)
