"""The context of operations: the requester of a request or a socket, and the clients of the services in its name."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

import msgspec
from starlette.requests import HTTPConnection

from gateway.authentication import AuthenticatedCaller, Authenticator
from gateway.execution.strawberry.batch_loader import BatchLoader
from gateway.subscriptions.bulk_progress import BulkProgressFeed
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
from services.contracts.identity.operations import Identity
from services.contracts.identity.people import Language
from services.contracts.imports import Importing
from services.contracts.orders.operations import Orders
from services.contracts.sites import Sites
from services.contracts.stats import Stats
from services.contracts.support.operations import Support
from services.contracts.values import Refusal

T = TypeVar("T")


class lazy_property(Generic[T]):  # noqa: N801 - it replaces functools.cached_property
    """A property that is evaluated once for an object and kept in its ``__dict__``.

    The lock of ``functools.cached_property`` (removed in Python 3.12) costs as much as the values here, and one task
    uses each object.
    """

    def __init__(self, getter: Callable[[Any], T]) -> None:
        self._getter = getter
        self._name = getter.__name__
        self.__doc__ = getter.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> "lazy_property[T]": ...

    @overload
    def __get__(self, owner: object, kind: type) -> T: ...

    def __get__(self, owner: Any, kind: type) -> Any:
        if owner is None:
            return self
        value = owner.__dict__[self._name] = self._getter(owner)
        return value


class GatewayDependencies(msgspec.Struct, frozen=True):
    """The dependencies that all requests of the process share."""

    services: dict[str, ServiceChannel]
    """By name."""
    tokens: ServiceTokens
    """The gateway's own."""
    authenticator: Authenticator
    feed: Feed
    bulk_progress: BulkProgressFeed
    clock: Clock
    trusted_proxies: TrustedProxies
    currency: str = "EUR"
    """The currency of prices."""


class ServiceClients:
    """The clients of the services in one requester's name: every call carries its token, language and address.

    A service trusts the address of an anonymous requester, because such a call carries the gateway's token, too.
    """

    def __init__(self, dependencies: GatewayDependencies, token: str, language: Language, address: str) -> None:
        self._services, self._tokens = dependencies.services, dependencies.tokens
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
        return client(
            Support, self._services["support"], self._fields, anonymous_headers=self._tokens.anonymous_headers
        )

    def importing(self, service: str) -> Importing:
        """Return the client of a service's imports."""
        return client(Importing, self._services[service], self._fields)


class Requester(msgspec.Struct, frozen=True):
    """The originator of requests, equal for all of them: a caller, or an anonymous client at an address."""

    caller: AuthenticatedCaller | None
    """None if it is anonymous."""
    accept_language: str
    """The field ``Accept-Language``."""
    language: Language
    """The language of responses."""
    address: str
    clients: ServiceClients
    kind: str
    """The caller's kind; empty if it is anonymous."""
    key: str
    """The subject's id or the anonymous client's network, unique within the kind."""


class Context:
    """The context of an operation."""

    def __init__(self, dependencies: GatewayDependencies, requester: Requester) -> None:
        self.dependencies = dependencies
        self.requester = requester
        self.clients = requester.clients
        self.retry_after_s = 0
        """The ``Retry-After`` of the response; 0 if there is none."""

    @property
    def caller(self) -> AuthenticatedCaller | None:
        return self.requester.caller

    def note_retry_after(self, refusal: Refusal) -> None:
        """Extend ``retry_after_s`` to the seconds of a refusal, if it has some."""
        for problem in refusal.problems:
            self.retry_after_s = max(self.retry_after_s, int(problem.params.get("seconds", 0)))

    @property
    def language(self) -> Language:
        return self.requester.language

    @lazy_property
    def loader(self) -> BatchLoader:
        """The loader that batches joins where the executor completes parent by parent."""
        return BatchLoader()


def build_requester(
    dependencies: GatewayDependencies, caller: AuthenticatedCaller | None, accept_language: str, address: str
) -> Requester:
    """Build the requester at an address, anonymous without a caller."""
    language = language_of(accept_language, caller.claims.locale if caller else "")
    clients = ServiceClients(dependencies, caller.token if caller else "", language, address)
    if caller is None:
        return Requester(None, accept_language, language, address, clients, "", rate_limit_network(address))
    return Requester(caller, accept_language, language, address, clients, caller.kind.value, caller.subject_id)


def requester_of(
    connection: HTTPConnection, dependencies: GatewayDependencies, caller: AuthenticatedCaller | None
) -> Requester:
    """Build the requester of a request or a socket."""
    address = dependencies.trusted_proxies.client_address(connection.scope["headers"], connection.scope["client"])
    return build_requester(dependencies, caller, authentication.accepted_languages(connection), address)
