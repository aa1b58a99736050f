"""A running gateway with stubs of its services, and with its own topics on the broker."""

import asyncio
import bisect
import contextlib
import datetime as dt
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import uvicorn
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from starlette.applications import Starlette
from starlette.types import ASGIApp

from gateway.app import assemble
from gateway.http.graphql_endpoint import GraphQLEndpoint
from gateway.settings import GatewaySettings
from services.chassis.events import envelope
from services.chassis.events.event_log import Cursor
from services.chassis.ids import new_uuid
from services.chassis.process import NO_PARTS, ProcessParts, application, server_config
from services.chassis.runtime.settings import Environment, SocketAddress
from services.contracts.declare import Event, event_type_of, topic_of
from services.contracts.orders.event_log import OrderEvent
from services.contracts.permission import SubjectKind
from tests.gateway.stubs.samples import PARTNER, STAFF, USER
from tests.gateway.stubs.services import StubServices
from tests.support.servers import Servers

PROTOCOL = "graphql-transport-ws"

EVENTS = """
    subscription ($after: String, $filter: OrderEventFilter) {
      orderEvents(after: $after, filter: $filter) {
        __typename
        ... on OrderEvent { id cursor sequence type time subject organisationId siteId data }
        ... on OrderPlacedEvent { orderId }
        ... on Checkpoint { cursor }
        ... on CursorExpired { code start }
        ... on Refusal { problems { code message } }
      }
    }
"""


class SubscriptionClient:
    """A client of graphql-transport-ws with one subscription."""

    def __init__(self, connection: "aiohttp.ClientWebSocketResponse[bool]") -> None:
        self.connection = connection

    async def subscribe(self, **variables: Any) -> None:
        payload = {"query": EVENTS, "variables": variables}
        await self.connection.send_json({"id": "1", "type": "subscribe", "payload": payload})

    async def next_message(self, timeout_s: float = 60) -> dict[str, Any]:
        message: dict[str, Any] = await self.connection.receive_json(timeout=timeout_s)
        return message

    async def next_item(self, timeout_s: float = 60) -> dict[str, Any]:
        """Receive the next item of the subscription."""
        message = await self.next_message(timeout_s)
        assert message["type"] == "next" and "errors" not in message["payload"], message
        item: dict[str, Any] = message["payload"]["data"]["orderEvents"]
        return item

    async def next_errors(self, timeout_s: float = 60) -> list[dict[str, Any]]:
        """Receive the errors that end the subscription, or that refuse it."""
        message = await self.next_message(timeout_s)
        errors: list[dict[str, Any]] = (
            message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        )
        return errors

    async def close_code(self, timeout_s: float = 60) -> int | None:
        """Return the gateway's close code, after skipping messages."""
        async with asyncio.timeout(timeout_s):
            while (await self.connection.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        return self.connection.close_code


class GatewayFixture:
    """A running gateway, its stubs and its clients."""

    def __init__(
        self,
        services: StubServices,
        url: str,
        session: aiohttp.ClientSession,
        producer: Any,
        topics: tuple[str, str],
        endpoint: GraphQLEndpoint,
    ):
        self.services = services
        self.endpoint = endpoint
        self.sockets = endpoint.sockets.registry
        self.access = endpoint.dependencies.authenticator
        self.url = url
        self.session = session
        self._producer = producer
        self._identity_topic, self._orders_topic = topics

    def user(self, **claims: Any) -> str:
        return self.services.identity.token(USER, SubjectKind.USER, **claims)

    def staff(self, **claims: Any) -> str:
        return self.services.identity.token(STAFF, SubjectKind.STAFF, **claims)

    def partner(self, **claims: Any) -> str:
        claims.setdefault("scope", "orders:read orders:subscribe")
        return self.services.identity.token(PARTNER, SubjectKind.PARTNER, **claims)

    async def execute(
        self, query: str, token: str | None = None, language: str = "en", **variables: Any
    ) -> dict[str, Any]:
        """Return the response to an operation, with ``status`` and ``headers``."""
        headers = {"Accept-Language": language, **({"Authorization": f"Bearer {token}"} if token else {})}
        body = {"query": query, "variables": variables}
        async with self.session.post(f"{self.url}/graphql", json=body, headers=headers) as response:
            answer: dict[str, Any] = await response.json()
            return {**answer, "status": response.status, "headers": response.headers}

    @contextlib.asynccontextmanager
    async def socket(self, token: str | None, **headers: str) -> AsyncIterator["SubscriptionClient"]:
        """Open an acknowledged connection."""
        url = f"{self.url}/graphql"
        async with self.session.ws_connect(url, protocols=[PROTOCOL], headers=headers) as connection:
            payload = {"Authorization": f"Bearer {token}"} if token else {}
            await connection.send_json({"type": "connection_init", "payload": payload})
            assert (await connection.receive_json(timeout=60))["type"] == "connection_ack"
            yield SubscriptionClient(connection)

    async def publish_identity_event(self, event: Event) -> None:
        """Publish an event of identity."""
        await self._send(self._identity_topic, "identity", event, 1)

    async def await_access_version(self, subject_id: str, version: int) -> None:
        """Wait until the gateway has applied this version of a subject's access."""
        async with asyncio.timeout(60):
            while (known := self.access.recent_access(subject_id)) is None or known.version < version:
                await asyncio.sleep(0.01)

    async def publish(self, event: Event, sequence: int, *, logged: bool = True, sent: bool = True) -> OrderEvent:
        """Write an event of orders to the log, and publish it."""
        order_event = self._order_event(event, sequence)
        if logged:
            bisect.insort(self.services.orders.log, order_event, key=lambda one: one.sequence)
            self.services.orders.last = max(self.services.orders.last, sequence)
        if sent:
            await self._send(self._orders_topic, "orders", event, sequence)
        return order_event

    def _order_event(self, event: Event, sequence: int) -> OrderEvent:
        kind = event_type_of(event)
        return OrderEvent(
            id=str(new_uuid()),
            cursor=str(Cursor(self.services.orders.generation, sequence)),
            sequence=sequence,
            type=kind.name,
            time=dt.datetime.now(dt.UTC),
            subject=getattr(event, kind.subject),
            organisation_id=getattr(event, "organisation_id", None),
            site_id=getattr(event, kind.site) if kind.site else None,
            data=msgspec.Raw(msgspec.json.encode(event)),
        )

    async def _send(self, topic: str, service: str, event: Event, sequence: int) -> None:
        kind = event_type_of(event)
        subject = getattr(event, kind.subject)
        headers = envelope.event_headers(
            new_uuid(),
            kind.name,
            service,
            subject,
            dt.datetime.now(dt.UTC),
            sequence,
            "",
            subject,
            self.services.orders.generation,
        )
        await self._producer.send_and_wait(topic, msgspec.json.encode(event), key=subject.encode(), headers=headers)


@contextlib.asynccontextmanager
async def run_gateway(servers: Servers, **settings: Any) -> AsyncIterator[GatewayFixture]:
    """Run a gateway, once it is ready."""
    name = f"gateway-{new_uuid().hex}"
    topics = (topic_of(f"{name}.identity"), topic_of(f"{name}.orders"))
    services = StubServices()
    async with contextlib.AsyncExitStack() as stack:
        services_url = await stack.enter_async_context(serve_application(Starlette(routes=services.routes())))
        values = {
            "env": Environment.TEST,
            "listen": SocketAddress("127.0.0.1", 0),
            "kafka": servers.kafka,
            "redis_url": servers.redis_url,
            "service_secret": name,  # the key of its rates in Redis
            "hosts": ["127.0.0.1"] if settings.get("env") is Environment.PRODUCTION else [],
            **{f"{one}_url": f"{services_url}/{one}" for one in ("identity", "sites", "orders", "stats", "support")},
            **settings,
        }
        gateway_settings = msgspec.convert(values, GatewaySettings)
        parts = await stack.enter_async_context(assemble(gateway_settings, *topics))
        stop = asyncio.Event()
        loops = [asyncio.ensure_future(loop(stop)) for loop in parts.loops]
        url = await stack.enter_async_context(serve_application(application(parts.routes, parts.asgi_apps), parts))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        while not all([await check() for check in parts.checks.values()]):
            await asyncio.sleep(0.02)
        producer = AIOKafkaProducer(bootstrap_servers=servers.kafka)
        await producer.start()
        try:
            yield GatewayFixture(services, url, session, producer, topics, find_endpoint(parts))
        finally:
            await producer.stop()
            stop.set()
            await asyncio.gather(*loops)
            admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka)
            await admin.start()
            await admin.delete_topics(list(topics))
            await admin.close()


@contextlib.asynccontextmanager
async def serve_application(app: ASGIApp, parts: ProcessParts = NO_PARTS) -> AsyncIterator[str]:
    """Serve an application on a free port, and return its URL."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # without it asyncio leaves Nagle's algorithm on
    listening.bind(("127.0.0.1", 0))
    config = server_config(app, parts=parts)
    server = uvicorn.Server(config)
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    task = asyncio.create_task(server._serve([listening]))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()


def find_endpoint(parts: ProcessParts) -> GraphQLEndpoint:
    """Return the GraphQL endpoint of the gateway's parts."""
    endpoint = parts.endpoints[b"/graphql"]
    assert isinstance(endpoint, GraphQLEndpoint)
    return endpoint
