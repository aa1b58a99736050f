"""The composition root of the gateway's process."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator

from starlette.routing import Route

from gateway.admission import Admission
from gateway.authentication import REVOCATION_LOOKBACK, Authenticator
from gateway.concurrency_limit import ConcurrencyLimit
from gateway.context import GatewayDependencies
from gateway.execution.limits.operation_limits import OperationLimits
from gateway.http.examples import examples_route
from gateway.http.files import file_route
from gateway.http.graphql_endpoint import GraphQLEndpoint
from gateway.http.origins import AllowedOrigins
from gateway.http.playground import assets_route, load_page
from gateway.http.request_guard import RequestGuard
from gateway.http.schema_download import schema_routes
from gateway.http.session import AuthCookie, session_routes
from gateway.http.token_endpoint import token_route
from gateway.http.unsubscribe import unsubscribe_route
from gateway.http.websocket.endpoint import WebSocketEndpoint
from gateway.http.websocket.registry import SocketRegistry
from gateway.persisted_documents.automatic_documents import AutomaticDocuments
from gateway.persisted_documents.documents import PersistedDocuments
from gateway.persisted_documents.redis_cache import open_redis_cache
from gateway.persisted_documents.trusted_documents import TrustedDocuments
from gateway.playground.output import output_folder
from gateway.rate_limit.limiter import RateLimiter
from gateway.rate_limit.policy import Policy
from gateway.rate_limit.shared_budgets import SharedBudgets
from gateway.schema.builder import build_schema
from gateway.schema.imports.owners import owner_of
from gateway.settings import GatewaySettings, Quotas, SocketLimits
from gateway.subscriptions.bulk_progress import BulkProgressFeed, ImportProgress
from gateway.subscriptions.feed import Feed
from gateway.subscriptions.orders_log import OrdersLog
from gateway.trusted_proxies import TrustedProxies
from services.access.service_token import ServiceTokens
from services.chassis.auth.tokens import Verifier
from services.chassis.events.consume.broadcast import BroadcastConsumer
from services.chassis.http.client.origin import Origin
from services.chassis.http.server.allowed_hosts import AllowedHosts
from services.chassis.process import ProcessParts
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.runtime.clock import SystemClock
from services.chassis.runtime.settings import Environment
from services.contracts.declare import topic_of
from services.contracts.identity.operations import Identity
from services.contracts.permission import SubjectKind

ORDER_EVENTS_LOOKBACK = dt.timedelta(minutes=15)
"""Age of the oldest events of orders that a new process reads, for subscribers that reconnect."""
_HSTS_MAX_AGE_S = 31_536_000
"""A year of HTTP Strict Transport Security (RFC 6797)."""
QUOTA_WINDOW_S = 60


@contextlib.asynccontextmanager
async def assemble(
    settings: GatewaySettings, identity_topic: str = topic_of("identity"), orders_topic: str = topic_of("orders")
) -> AsyncIterator[ProcessParts]:
    """Build the parts of the gateway's process."""
    clock = SystemClock(settings.time_zone, settings.clock_file)
    async with contextlib.AsyncExitStack() as stack:
        urls = {
            "identity": settings.identity_url,
            "sites": settings.sites_url,
            "orders": settings.orders_url,
            "stats": settings.stats_url,
            "support": settings.support_url,
        }
        services = {
            name: ServiceChannel(name, await stack.enter_async_context(Origin(url))) for name, url in urls.items()
        }
        tokens = ServiceTokens("gateway", settings.service_secret, services["identity"], clock)

        async def public_keys() -> str:
            return (await client(Identity, services["identity"], {}).public_keys()).jwks

        verifier = Verifier(public_keys, clock)
        authenticator = Authenticator(verifier, clock)
        feed = Feed(OrdersLog(services["orders"], tokens).between)
        authenticator.on_access_change = feed.subscribers.update
        revocations = BroadcastConsumer(settings.kafka, [identity_topic], authenticator.apply, REVOCATION_LOOKBACK)
        events = BroadcastConsumer(settings.kafka, [orders_topic], feed.handle_record, ORDER_EVENTS_LOOKBACK)
        dependencies = GatewayDependencies(
            services,
            tokens,
            authenticator,
            feed,
            BulkProgressFeed(ImportProgress(services, tokens, owner_of).read),
            clock,
            TrustedProxies(settings.trusted_proxies),
            settings.currency,
        )
        production = settings.env is Environment.PRODUCTION
        schema, origins = build_schema(), AllowedOrigins(settings.allowed_origins)
        shared = await stack.enter_async_context(open_redis_cache(settings.redis_url))
        trusted = TrustedDocuments.load(settings.trusted_documents) if settings.trusted_documents else None
        persisted = PersistedDocuments(trusted, settings.trusted_only, AutomaticDocuments(shared))
        budgets = SharedBudgets(settings.redis_url, gateways=settings.gateways, secret=settings.service_secret.encode())
        rates = RateLimiter(
            {kind: budgets.budget_for(policy) for kind, policy in rate_policies(settings.quotas).items()}
        )
        guard = RequestGuard(dependencies, rates)
        admission = Admission(schema.engine, OperationLimits(), persisted, rates, open_schema=not production)
        concurrency_limit = ConcurrencyLimit()
        sockets = SocketRegistry(authenticator, socket_limits(settings.sockets))
        page, playground = None, list[Route]()
        if settings.playground_enabled:
            built = output_folder()
            page = load_page(built, sign_in_first=production)
            playground = [examples_route(guard, public=not production), assets_route(built)]
        graphql = GraphQLEndpoint(
            dependencies,
            schema,
            admission,
            concurrency_limit,
            origins,
            WebSocketEndpoint(dependencies, schema, admission, concurrency_limit, sockets, origins),
            page=page,
        )

        async def caught_up() -> bool:
            return revocations.caught_up.is_set() and events.caught_up.is_set()

        async def follow_events(stop: asyncio.Event) -> None:
            await asyncio.gather(events.run(stop), feed.run(events.caught_up, stop))

        yield ProcessParts(
            routes=[
                token_route(guard),
                *session_routes(
                    guard,
                    origins,
                    AuthCookie.for_settings(settings, "session"),
                    AuthCookie.for_settings(settings, "device"),
                ),
                file_route(guard),
                unsubscribe_route(guard),
                *schema_routes(guard, schema, admission.may_introspect),
                *playground,
            ],
            asgi_apps={"/graphql": origins.with_preflights(graphql)},
            endpoints={b"/graphql": graphql},
            hosts=AllowedHosts(settings.hosts),
            headers={"Strict-Transport-Security": f"max-age={_HSTS_MAX_AGE_S}"} if production else {},
            checks={"keys": verifier.ready, "events": caught_up},
            loops=[revocations.run, follow_events, sockets.run, budgets.run],
        )


def rate_policies(quotas: Quotas) -> dict[SubjectKind | None, Policy]:
    """Return the rate policies by the callers' kind; None: anonymous requesters, by their address."""
    return {
        None: Policy("stranger", quotas.stranger, QUOTA_WINDOW_S),
        SubjectKind.USER: Policy("user", quotas.user, QUOTA_WINDOW_S),
        SubjectKind.STAFF: Policy("staff", quotas.staff, QUOTA_WINDOW_S),
        SubjectKind.PARTNER: Policy("partner", quotas.partner, QUOTA_WINDOW_S),
    }


def socket_limits(sockets: SocketLimits) -> dict[str, int]:
    """Return the maximum of open sockets by the callers' kind; empty: anonymous requesters, by their address."""
    return {
        "": sockets.stranger,
        SubjectKind.USER.value: sockets.user,
        SubjectKind.STAFF.value: sockets.staff,
        SubjectKind.PARTNER.value: sockets.partner,
    }
