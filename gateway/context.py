"""What one request, or one socket, stands on: who asks, in which language, and the services in their name."""

import msgspec
from starlette.requests import HTTPConnection

from gateway.authentication import AuthenticatedCaller, Authenticator
from gateway.execution.strawberry.batch_loader import BatchLoader
from gateway.lazy_property import lazy_property
from gateway.subscriptions.feed import Feed
from gateway.trusted_proxies import TrustedProxies
from services.access import authentication
from services.access.language import language_of
from services.access.service_token import ServiceTokens
from services.chassis.http.client.request import FieldLines
from services.chassis.http.server.client_address import rate_limit_network
from services.chassis.rpc.channel import ServiceChannel, caller_field_lines
from services.chassis.rpc.client import client
from services.chassis.runtime.clock import Clock
from services.contracts.identity import Identity, Language
from services.contracts.imports import Importing
from services.contracts.orders import Orders
from services.contracts.sites import Sites
from services.contracts.stats import Stats
from services.contracts.support import Support
from services.contracts.values import Refusal


class GatewayDependencies(msgspec.Struct, frozen=True):
    """What the process has for all its requests. ``services`` by name; ``tokens`` are the gateway's own.

    ``proxies`` say from where a request came.
    """

    services: dict[str, ServiceChannel]
    tokens: ServiceTokens
    authenticator: Authenticator
    feed: Feed
    clock: Clock
    trusted_proxies: TrustedProxies


class ServiceClients:
    """The services, in one caller's name: every call says who asks (``token``), in which language and from where.

    From where is believed of what is asked for a stranger: there the gateway shows its own token, too.
    """

    def __init__(self, foundation: GatewayDependencies, token: str, language: Language, address: str) -> None:
        self._services, self._tokens = foundation.services, foundation.tokens
        self.headers = {"Accept-Language": language.value, "X-Forwarded-For": address}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    @lazy_property
    def _fields(self) -> FieldLines:
        return caller_field_lines(self.headers)

    @lazy_property
    def identity(self) -> Identity:
        return client(
            Identity, self._services["identity"], self._fields, anonymous_headers=self._tokens.anonymous_headers
        )

    @lazy_property
    def sites(self) -> Sites:
        return client(Sites, self._services["sites"], self._fields)

    @lazy_property
    def orders(self) -> Orders:
        return client(Orders, self._services["orders"], self._fields)

    @lazy_property
    def stats(self) -> Stats:
        return client(Stats, self._services["stats"], self._fields)

    @lazy_property
    def support(self) -> Support:
        return client(Support, self._services["support"], self._fields)

    def importing(self, service: str) -> Importing:
        """The imports of a service."""
        return client(Importing, self._services[service], self._fields)


class Requester(msgspec.Struct, frozen=True):
    """Who asks, and how: the same for all their requests. ``caller`` is None for a stranger.

    ``accepted`` is their ``Accept-Language``, ``language`` the one to answer in.
    ``kind`` is the caller's, empty for a stranger; ``key`` tells them from others of their kind.
    """

    caller: AuthenticatedCaller | None
    accept_language: str
    language: Language
    address: str
    clients: ServiceClients
    kind: str
    key: str


class Context:
    """The context of an operation. A socket's caller is set when it presents a token."""

    def __init__(self, foundation: GatewayDependencies, asker: Requester) -> None:
        self.dependencies = foundation
        self.requester = asker
        self.retry_after_s = 0
        """In so many seconds what was refused may be tried again; 0 where nothing was for that."""

    @property
    def caller(self) -> AuthenticatedCaller | None:
        return self.requester.caller

    def note_retry_after(self, refusal: Refusal) -> None:
        """Note when what was refused may be tried again, if the refusal says so."""
        for problem in refusal.problems:
            self.retry_after_s = max(self.retry_after_s, int(problem.params.get("seconds", 0)))

    @property
    def language(self) -> Language:
        return self.requester.language

    @property
    def identity(self) -> Identity:
        return self.requester.clients.identity

    @property
    def sites(self) -> Sites:
        return self.requester.clients.sites

    @property
    def orders(self) -> Orders:
        return self.requester.clients.orders

    @property
    def stats(self) -> Stats:
        return self.requester.clients.stats

    @property
    def support(self) -> Support:
        return self.requester.clients.support

    def importing(self, service: str) -> Importing:
        """The imports of a service."""
        return self.requester.clients.importing(service)

    @lazy_property
    def loader(self) -> BatchLoader:
        """Gathers joins where the executor goes parent by parent."""
        return BatchLoader()


def build_requester(
    foundation: GatewayDependencies, caller: AuthenticatedCaller | None, accepted: str, address: str
) -> Requester:
    """Who asks, from an address; ``accepted`` is their ``Accept-Language``."""
    language = language_of(accepted, caller.claims.locale if caller else "")
    calls = ServiceClients(foundation, caller.token if caller else "", language, address)
    if caller is None:
        return Requester(None, accepted, language, address, calls, "", rate_limit_network(address))
    return Requester(caller, accepted, language, address, calls, caller.kind.value, caller.subject_id)


def requester_of(
    connection: HTTPConnection, foundation: GatewayDependencies, caller: AuthenticatedCaller | None
) -> Requester:
    """Who asks by a request or a socket."""
    address = foundation.trusted_proxies.client_address(connection.scope["headers"], connection.scope["client"])
    return build_requester(foundation, caller, authentication.accepted_languages(connection), address)
