"""The gateway, put together: reads like a table of contents."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator

from starlette.routing import Route

from gateway.access import BACK, Access
from gateway.admission import Admission
from gateway.context import Foundation
from gateway.execution.limits import Limits
from gateway.http.entrance import Entrance
from gateway.http.examples import examples_route
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.imports import import_route
from gateway.http.origins import Origins
from gateway.http.playground import assets_route, page
from gateway.http.schema_download import schema_routes
from gateway.http.session import AuthCookie, session_routes
from gateway.http.sockets import GraphQLSockets, Sockets
from gateway.http.token import token_route
from gateway.persisted.automatic import AutomaticDocuments
from gateway.persisted.documents import PersistedDocuments
from gateway.persisted.shared_texts import shared_texts
from gateway.persisted.trusted import TrustedDocuments
from gateway.playground.place import built_folder
from gateway.proxies import Proxies
from gateway.rate.budgets import Budgets
from gateway.rate.policy import Policy
from gateway.rate.rates import Rates
from gateway.room import Room
from gateway.schema.build import build_schema
from gateway.settings import GatewaySettings, MostSockets, Quotas
from gateway.subscriptions.feed import Feed
from gateway.subscriptions.log import OrdersLog
from services.access.service_token import ServiceTokens
from services.chassis.broadcast import Broadcast
from services.chassis.clock import SystemClock
from services.chassis.hosts import Hosts
from services.chassis.http_client.origin import Origin
from services.chassis.process import Parts
from services.chassis.rpc.client import client
from services.chassis.rpc.service import Service
from services.chassis.settings import Environment
from services.chassis.tokens import Verifier
from services.contracts.declare import topic_of
from services.contracts.identity import Identity, SubjectKind

EVENTS_BACK = dt.timedelta(minutes=15)
"""How much of orders' topic a new process reads, for subscribers that come back after a short while."""
_TLS_S = 31_536_000
"""For so long (a year) a browser that was here asks by TLS alone (RFC 6797)."""
WINDOW_S = 60
"""The time in which a quota may be spent."""


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
        tokens = ServiceTokens("gateway", settings.service_secret, services["identity"], clock)

        async def public_keys() -> str:
            return (await client(Identity, services["identity"], {}).public_keys()).jwks

        verifier = Verifier(public_keys, clock)
        access = Access(verifier, clock)
        feed = Feed(OrdersLog(services["orders"], tokens).between)
        revocations = Broadcast(settings.kafka, [identity_topic], access.take, BACK)
        events = Broadcast(settings.kafka, [orders_topic], feed.take, EVENTS_BACK)
        foundation = Foundation(services, tokens, access, feed, clock, Proxies(settings.trusted_proxies))
        production = settings.env is Environment.PRODUCTION
        schema, origins = build_schema(), Origins(settings.allowed_origins)
        shared = await stack.enter_async_context(shared_texts(settings.redis_url))
        trusted = TrustedDocuments.load(settings.trusted_documents) if settings.trusted_documents else None
        persisted = PersistedDocuments(trusted, settings.trusted_only, AutomaticDocuments(shared))
        budgets = Budgets(settings.redis_url, gateways=settings.gateways, secret=settings.service_secret.encode())
        rates = Rates({kind: budgets.under(policy) for kind, policy in policies(settings.quotas).items()})
        entrance = Entrance(foundation, rates)
        admission = Admission(schema.engine, Limits(), persisted, rates, open_schema=not production)
        room, sockets = Room(), Sockets(access, feed.wake, limits_of(settings.sockets))
        shown, playground = None, list[Route]()
        if settings.shows_playground:
            built = built_folder()
            shown = page(built, sign_in_first=production)
            playground = [examples_route(entrance, for_anybody=not production), assets_route(built)]
        graphql = GraphQLEndpoint(
            foundation,
            schema,
            admission,
            room,
            origins,
            GraphQLSockets(foundation, schema, admission, room, sockets, origins),
            page=shown,
        )

        async def caught_up() -> bool:
            return revocations.caught_up.is_set() and events.caught_up.is_set()

        async def follow_events(stop: asyncio.Event) -> None:
            await asyncio.gather(events.run(stop), feed.run(events.caught_up, stop))

        yield Parts(
            routes=[
                token_route(entrance),
                *session_routes(
                    entrance,
                    origins,
                    AuthCookie.for_settings(settings, "session"),
                    AuthCookie.for_settings(settings, "device"),
                ),
                import_route(entrance),
                *schema_routes(entrance, schema, admission.may_introspect),
                *playground,
            ],
            direct={"/graphql": origins.opened(graphql)},
            endpoints={b"/graphql": graphql},
            hosts=Hosts(settings.hosts),
            fields={"Strict-Transport-Security": f"max-age={_TLS_S}"} if production else {},
            checks={"keys": verifier.ready, "events": caught_up},
            loops=[revocations.run, follow_events, sockets.run, budgets.run],
        )


def policies(quotas: Quotas) -> dict[SubjectKind | None, Policy]:
    """What callers of each kind may spend; None: strangers, by their address."""
    return {
        None: Policy("stranger", quotas.stranger, WINDOW_S),
        SubjectKind.USER: Policy("user", quotas.user, WINDOW_S),
        SubjectKind.STAFF: Policy("staff", quotas.staff, WINDOW_S),
        SubjectKind.PARTNER: Policy("partner", quotas.partner, WINDOW_S),
    }


def limits_of(sockets: MostSockets) -> dict[str, int]:
    """How many sockets callers of each kind may hold; empty: strangers, by their address."""
    return {
        "": sockets.stranger,
        SubjectKind.USER.value: sockets.user,
        SubjectKind.STAFF.value: sockets.staff,
        SubjectKind.PARTNER.value: sockets.partner,
    }
