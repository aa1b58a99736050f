"""The gateway, put together: reads like a table of contents."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator

from gateway.access import BACK, Access
from gateway.context import Foundation
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.imports import import_route
from gateway.http.sockets import Sockets
from gateway.http.token import token_route
from gateway.settings import GatewaySettings
from gateway.subscriptions.feed import Feed
from gateway.subscriptions.log import OrdersLog
from services.access.service_token import ServiceTokens
from services.chassis.broadcast import Broadcast
from services.chassis.clock import SystemClock
from services.chassis.http_client.origin import Origin
from services.chassis.process import Parts
from services.chassis.rpc.client import client
from services.chassis.rpc.service import Service
from services.chassis.settings import Environment
from services.chassis.tokens import Verifier
from services.contracts.declare import topic_of
from services.contracts.identity import Identity

EVENTS_BACK = dt.timedelta(minutes=15)
"""How much of orders' topic a new process reads, for subscribers that come back after a short while."""


@contextlib.asynccontextmanager
async def assemble(
    settings: GatewaySettings, identity_topic: str = topic_of("identity"), orders_topic: str = topic_of("orders")
) -> AsyncIterator[Parts]:
    """The parts of the gateway's process."""
    clock = SystemClock(settings.time_zone, settings.clock_file)
    async with contextlib.AsyncExitStack() as stack:
        urls = {
            "identity": settings.identity_url,
            "sites": settings.sites_url,
            "orders": settings.orders_url,
            "stats": settings.stats_url,
            "support": settings.support_url,
        }
        services = {name: Service(name, await stack.enter_async_context(Origin(url))) for name, url in urls.items()}
        tokens = ServiceTokens("gateway", settings.service_secret, services["identity"])

        async def public_keys() -> str:
            return (await client(Identity, services["identity"], {}).public_keys()).jwks

        verifier = Verifier(public_keys, clock)
        access = Access(verifier, clock)
        feed = Feed(OrdersLog(services["orders"], tokens).between)
        revocations = Broadcast(settings.kafka, [identity_topic], access.take, BACK)
        events = Broadcast(settings.kafka, [orders_topic], feed.take, EVENTS_BACK)
        foundation = Foundation(services, tokens, access, feed, clock)
        sockets = Sockets(access, feed.wake)
        graphql = GraphQLEndpoint(foundation, sockets, page=settings.env is not Environment.PRODUCTION)

        async def caught_up() -> bool:
            return revocations.caught_up.is_set() and events.caught_up.is_set()

        async def follow_events(stop: asyncio.Event) -> None:
            await asyncio.gather(events.run(stop), feed.run(events.caught_up, stop))

        yield Parts(
            routes=[token_route(foundation), import_route(foundation)],
            direct={"/graphql": graphql},
            checks={"keys": verifier.ready, "events": caught_up},
            loops=[revocations.run, follow_events, sockets.run],
        )
