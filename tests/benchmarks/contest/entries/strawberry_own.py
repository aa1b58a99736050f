"""Our own schema through Strawberry's own execution (graphql-core), with its best settings.

Texts are parsed and validated once, joins are batched level by level, responses are encoded by msgspec; there are no
logs or metrics, and Strawberry's ASGI application runs directly on uvicorn.
"""

import types
from typing import Any, cast

import msgspec
import strawberry
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from gateway.authentication import Authenticator
from gateway.context import Context, GatewayDependencies, ServiceClients, requester_of
from gateway.schema import contract_types
from gateway.schema.builder import MUTATIONS, QUERIES
from gateway.schema.scalars import SCALARS
from gateway.settings import GatewaySettings
from gateway.trusted_proxies import TrustedProxies
from services.chassis.http.client.origin import Origin
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.runtime.clock import SystemClock
from tests.benchmarks.contest.entries.python_server import serve


class _Decoding:
    """A client whose results are always decoded, for an interpreter that reads all of them."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    @property
    def raw_client(self) -> "_Decoding":
        """The client itself: it has no raw results."""
        return self


class _Clients:
    """The clients of the pages' services."""

    def __init__(self, clients: ServiceClients) -> None:
        self.sites, self.orders = _Decoding(clients.sites), _Decoding(clients.orders)


class Endpoint(GraphQL[Context, None]):
    """The schema's endpoint."""

    def __init__(self, dependencies: GatewayDependencies) -> None:
        super().__init__(_schema(), graphql_ide=None)
        self._dependencies = dependencies

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        authorization = request.headers.get("authorization", "") if isinstance(request, Request) else ""
        caller = await self._dependencies.authenticator.authenticate(authorization)
        context = Context(self._dependencies, requester_of(request, self._dependencies, caller))
        context.clients = cast(Any, _Clients(context.clients))
        return context

    def encode_json(self, data: object) -> bytes:
        return msgspec.json.encode(data)


def make(settings: GatewaySettings, access: Authenticator, clock: SystemClock) -> ASGIApp:
    """Build the application."""
    urls = {"sites": settings.sites_url, "orders": settings.orders_url}
    services = {name: ServiceChannel(name, Origin(url)) for name, url in urls.items()}
    # The pages need neither the gateway's own tokens nor the feeds.
    unused = cast(Any, None)
    return Endpoint(GatewayDependencies(services, unused, access, unused, unused, clock, TrustedProxies([])))


def _schema() -> strawberry.Schema:
    return strawberry.Schema(
        query=_root("Query", QUERIES),
        mutation=_root("Mutation", MUTATIONS),
        types=contract_types.interface_members(),
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=[ParserCache, ValidationCache],
    )


def _root(name: str, fields: list[StrawberryField]) -> Any:
    body = {field.python_name: field for field in fields}
    return strawberry.type(types.new_class(name, (), {}, lambda namespace: namespace.update(body)))


if __name__ == "__main__":
    serve(make)
