"""Tests of the plans of all reads: indexes lead to the caller's rows, independent of other customers' data."""

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import msgspec
import pytest

from deploy.commands.progress import ProgressLines
from deploy.local.detached_service import blueprint_of
from deploy.local.secrets import SERVICES
from deploy.seed import accounts
from deploy.seed.ids import seeded_id
from deploy.seed.population import FOUNDED, Population, organisation_id, user_id
from deploy.seed.seeder import SeedRequest, seed_databases
from services.access.caller import Caller
from services.chassis.db import postgres
from services.chassis.ids import read_id, write_id
from services.chassis.imports.queries import ImportQueries
from services.chassis.rpc.signature import signatures
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.members import MemberFilter
from services.contracts.identity.organisations import (
    OrganisationFilter,
    OrganisationKind,
    OrganisationOrder,
    OrganisationOrderField,
)
from services.contracts.identity.partners import SCOPES, PartnerFilter
from services.contracts.imports import ImportFileKind, ImportFilter
from services.contracts.orders.agreements import AgreementFilter
from services.contracts.orders.event_log import EventPage, OrderEventFilter
from services.contracts.orders.orders import OrderFilter, OrderState
from services.contracts.permission import SubjectKind
from services.contracts.sites import Fraction, PropertyType, SiteFilter, SiteOrder, SiteOrderField
from services.contracts.stats import Period, VolumeFilter
from services.contracts.support.tickets import TicketFilter, TicketState
from services.contracts.values import Page, Refusal
from services.identity.queries import directory, members, organisations, partners
from services.orders.domain.pickup_id import ordered_pickup_id
from tests.integration.deploy.query_plans import (
    QueryPlanner,
    QueryRecorder,
    SentQuery,
    growing_costs,
)
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.servers import as_owner
from tests.support.service_harness import ServiceHarness

SITES = 4_000
POPULATION = Population(SITES)


def user(id: uuid.UUID, kind: SubjectKind = SubjectKind.USER) -> Caller:
    return Caller(subject_id=write_id("user", id), kind=kind, access_version=1)


def partner(id: uuid.UUID) -> Caller:
    return Caller(subject_id=write_id("partner", id), kind=SubjectKind.PARTNER, scopes=frozenset(SCOPES))


CALLERS = {
    "small": user(user_id(0)),
    "manager": user(seeded_id("manager", 0, FOUNDED)),
    "limited": user(seeded_id("limited", 0, FOUNDED)),
    "staff": user(seeded_id("staff", 0, FOUNDED), SubjectKind.STAFF),
    "partner of all": partner(accounts.PARTNER_OF_ALL),
    "partner of one": partner(accounts.PARTNER_OF_ONE),
}
UNRESTRICTED = {"staff", "partner of all"}
SITE_ORDERS = [SiteOrder(field=field) for field in SiteOrderField]
ORGANISATION_ORDERS = [OrganisationOrder(field=field) for field in OrganisationOrderField]
PEOPLE = ("small", "manager", "limited", "staff")

Read = Callable[[Any, "KnownRows"], Awaitable[Any]]


class KnownRows:
    """Arguments of the reads: ten things of each type."""

    def __init__(self, ids: Mapping[str, list[str]]) -> None:
        self.sites, self.containers = ids["site"], ids["container"]
        self.agreements, self.articles, self.orders = ids["agreement"], ids["article"], ids["order"]
        planned = [ordered_pickup_id(read_id("order", order)) for order in self.orders]
        self.pickups = [*ids["pickup"], *(write_id("pickup", pickup_id) for pickup_id in planned)]
        self.tickets = ids["ticket"]
        self.organisation = write_id("org", organisation_id(0))
        self.today = dt.date(2026, 3, 4)


async def read_pages(read: Callable[[Page], Awaitable[Any]], *, counted: bool) -> None:
    """Read the first page and the next, the last page and the one before it, and what has changed since."""
    first = await read(Page(first=5, total=counted))
    assert first.edges
    await read(Page(first=5, after=first.page_info.end_cursor, total=counted))
    last = await read(Page(last=5, total=counted))
    if last.page_info.has_previous_page:
        await read(Page(last=5, before=last.page_info.start_cursor, total=counted))
    if token := first.page_info.updated_until:
        await read(Page(first=5, updated_after=token, total=counted))


def list_pages(name: str, *arguments: Any) -> Read:
    async def read(api: Any, known: KnownRows) -> None:
        await read_pages(lambda page: getattr(api, name)(page, *arguments), counted=api.counted)

    return read


def filtered_pages(name: str, filter_of: Callable[["KnownRows"], Any], *arguments: Any) -> Read:
    """Read the first page of a filtered list, and its last one: they may be empty."""

    async def read(api: Any, known: KnownRows) -> None:
        for page in (Page(first=5, total=api.counted), Page(last=5, total=api.counted)):
            await getattr(api, name)(page, filter_of(known), *arguments)

    return read


async def volumes(api: Any, known: KnownRows, wanted: VolumeFilter | None = None) -> None:
    await api.volumes(known.today - dt.timedelta(days=365), known.today, Period.MONTH, wanted)


async def events(api: Any, known: KnownRows, wanted: OrderEventFilter | None = None) -> None:
    page = await api.events("START", 50, wanted)
    if isinstance(page, Refusal):
        assert wanted is not None, "an organisation that the caller does not reach"
        return
    assert isinstance(page, EventPage)
    assert page.events or wanted is not None
    placed = msgspec.structs.replace(wanted or OrderEventFilter(), types=["orders.order.placed"])
    await api.events(page.cursor, 50, placed)


async def agreements(api: Any, known: KnownRows, conditions: AgreementFilter | None = None) -> None:
    for page in (Page(first=2), Page(last=2)):
        await api.agreements_of_sites(known.sites, page, conditions)
    (listed,) = await api.agreements_of_sites(known.sites[:1], Page(first=2), conditions)
    await api.agreements_of_sites(known.sites[:1], Page(updated_after=listed.page_info.updated_until), conditions)


def imports_of(kind: ImportFileKind) -> list[Read]:
    """Read the imports of a kind, all and some: there may be none."""

    async def read(api: Any, known: KnownRows) -> None:
        for conditions in (None, ImportFilter(states=[BulkOperationState.RUNNING])):
            listed = await api.imports(kind, Page(first=5), conditions)
            for page in (Page(last=5), Page(first=5, updated_after=listed.page_info.updated_until)):
                await api.imports(kind, page, conditions)

    return [read]


PARTNER_ORGANISATIONS: list[Callable[[KnownRows], OrganisationFilter]] = [
    lambda known: OrganisationFilter(search="oy"),
    lambda known: OrganisationFilter(ids=[known.organisation]),
    lambda known: OrganisationFilter(customer_numbers=["62-0000001-00"], kinds=[OrganisationKind.BUSINESS]),
]

READS: dict[str, dict[str, list[Read]]] = {
    "identity": {
        "imports": imports_of(ImportFileKind.ORGANISATIONS),
        "me": [lambda o, k: o.me()],
        "organisations": [
            *(list_pages("organisations", None, order) for order in ORGANISATION_ORDERS),
            *(list_pages("organisations", OrganisationFilter(search="oy"), order) for order in ORGANISATION_ORDERS),
            filtered_pages("organisations", lambda k: OrganisationFilter(ids=[k.organisation])),
            filtered_pages("organisations", lambda k: OrganisationFilter(customer_numbers=["62-0000001-00"])),
            filtered_pages("organisations", lambda k: OrganisationFilter(kinds=[OrganisationKind.BUSINESS])),
        ],
        "organisationsById": [lambda o, k: o.organisations_by_id([k.organisation])],
        "accessOf": [lambda o, k: o.access_of(CALLERS["small"].subject_id)],
        "actors": [lambda o, k: o.actors([CALLERS[name].subject_id for name in ("small", "staff", "partner of one")])],
        "organisationsOfPartners": [
            *(list_pages("organisations_of_partner", None, order) for order in ORGANISATION_ORDERS),
            *(
                filtered_pages("organisations_of_partner", conditions, order)
                for conditions in PARTNER_ORGANISATIONS
                for order in ORGANISATION_ORDERS
            ),
        ],
        "organisationMembers": [
            list_pages("organisation_members"),
            filtered_pages("organisation_members", lambda k: MemberFilter(organisation_ids=[k.organisation])),
        ],
        "partners": [
            list_pages("partners"),
            filtered_pages("partners", lambda k: PartnerFilter(search="oy", active=True)),
        ],
    },
    "sites": {
        "imports": imports_of(ImportFileKind.SITES),
        "sites": [
            *(list_pages("sites", None, order) for order in SITE_ORDERS),
            *(list_pages("sites", SiteFilter(search="katu"), order) for order in SITE_ORDERS),
            *(list_pages("sites", SiteFilter(search="71 katu"), order) for order in SITE_ORDERS),
            list_pages("sites", SiteFilter(property_types=[PropertyType.HOUSE]), SITE_ORDERS[0]),
            filtered_pages("sites", lambda k: SiteFilter(organisation_ids=[k.organisation]), SITE_ORDERS[1]),
            lambda o, k: o.sites(Page(first=5, total=o.counted), organisation_id=k.organisation),
        ],
        "sitesById": [lambda o, k: o.sites_by_id(k.sites)],
        "containersById": [lambda o, k: o.containers_by_id(k.containers)],
    },
    "orders": {
        "imports": imports_of(ImportFileKind.AGREEMENTS),
        "agreementsOfSites": [
            agreements,
            lambda o, k: agreements(o, k, AgreementFilter(ended=False)),
            lambda o, k: agreements(o, k, AgreementFilter(fractions=[Fraction.BIOWASTE])),
        ],
        "agreementsById": [lambda o, k: o.agreements_by_id(k.agreements)],
        "articlesById": [lambda o, k: o.articles_by_id(k.articles)],
        "calendars": [lambda o, k: o.calendars(k.sites, k.today, k.today + dt.timedelta(days=60))],
        "nextPickups": [lambda o, k: o.next_pickups(k.sites)],
        "pickupsById": [lambda o, k: o.pickups_by_id(k.pickups)],
        "pickupsOfOrders": [lambda o, k: o.pickups_of_orders(k.orders)],
        "extraPickupOffers": [lambda o, k: o.extra_pickup_offers(k.agreements)],
        "orders": [
            list_pages("orders"),
            list_pages("orders", OrderFilter(states=[OrderState.COMPLETED])),
            list_pages("orders", OrderFilter(since=dt.date(2020, 1, 1))),
            filtered_pages("orders", lambda k: OrderFilter(site_ids=k.sites[:2])),
            filtered_pages("orders", lambda k: OrderFilter(organisation_ids=[k.organisation])),
            filtered_pages("orders", lambda k: OrderFilter(agreement_ids=k.agreements[:2])),
            filtered_pages("orders", lambda k: OrderFilter(number="ORD-2026-000001")),
        ],
        "ordersById": [lambda o, k: o.orders_by_id(k.orders)],
        "openOrderCounts": [lambda o, k: o.open_order_counts(k.sites)],
        "events": [
            events,
            lambda o, k: events(o, k, OrderEventFilter(organisation_ids=[k.organisation])),
            lambda o, k: events(o, k, OrderEventFilter(site_ids=k.sites)),
            lambda o, k: events(o, k, OrderEventFilter(site_ids=k.sites, organisation_ids=[k.organisation])),
        ],
    },
    "stats": {
        "imports": imports_of(ImportFileKind.INVOICES),
        "volumes": [
            lambda o, k: volumes(o, k, VolumeFilter(organisation_ids=[k.organisation])),
            volumes,
        ],
    },
    "support": {
        "tickets": [
            list_pages("tickets"),
            filtered_pages("tickets", lambda k: TicketFilter(site_ids=k.sites[:2])),
            filtered_pages("tickets", lambda k: TicketFilter(organisation_ids=[k.organisation])),
            filtered_pages("tickets", lambda k: TicketFilter(states=[TicketState.NEW])),
            filtered_pages("tickets", lambda k: TicketFilter(search="tyhjentämättä")),
        ],
        "ticketsById": [lambda o, k: o.tickets_by_id(k.tickets)],
        "threadsOfTickets": [lambda o, k: o.threads_of_tickets(k.tickets, Page())],
        "ticketEntriesById": [
            lambda o, k: o.ticket_entries_by_id([write_id("entry", read_id("ticket", one)) for one in k.tickets])
        ],
    },
}
"""Each read of each contract. Callers that reach all rows request no totals and no sums over all: those grow."""

COVERED_ELSEWHERE = {
    "importProgress",
    "badRows",
    "contacts",
    "partnersById",
    "publicKeys",
    "settings",
    "importsById",
    "heldMessages",
    "invitations",
    "invitationsById",
    "membersById",
    "heldMessagesById",
    "mailSuppressions",
    "mailSuppressionsById",
    "messageChoices",
    "orderSummaries",
    "ownMailSuppression",
    "sitesOfThings",
    "pickupSummaries",
    "siteContacts",
    "ticketContact",
}
"""Reads by ids alone, or of few rows, which are not those of customers."""


class CountingApi:
    """An API with the choice whether its lists are counted."""

    def __init__(self, api: Any, *, counted: bool) -> None:
        self._api = api
        self.counted = counted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)


@pytest.mark.parametrize("service", SERVICES)
def test_all_reads_are_covered(service: str) -> None:
    contract = cast(Any, blueprint_of(service).contract)
    reads = {name for name, operation in signatures(contract).items() if operation.declared.kind == "read"}
    assert reads - COVERED_ELSEWHERE == set(READS[service])


async def test_each_read_uses_an_index_on_reach_or_arguments(make_database: MakeDatabase, clock: TestClock) -> None:
    databases = {service: await make_database(blueprint_of(service)) for service in SERVICES}
    owned = {service: as_owner(url) for service, url in databases.items()}
    await seed_databases(
        SeedRequest(sites=SITES, password="kartonki kulkee kotoa", databases=owned, pepper=b"p" * 24, clock=clock),
        ProgressLines(),
    )
    pools = {service: await postgres.open_pool(url, name="test", size=2) for service, url in databases.items()}
    try:
        findings, query_count = [], 0
        known = await _known(pools)
        for service, operations in READS.items():
            planner = await QueryPlanner.connect(databases[service])
            for name, caller in CALLERS.items():
                for operation, calls in operations.items():
                    if not _may_read(name, operation):
                        continue
                    for number, call in enumerate(calls):
                        if operation == "volumes" and name in UNRESTRICTED and number:
                            continue
                        for query in await _record_queries(pools[service], service, caller, clock, call, known):
                            query_count += 1
                            for plan in (await planner.plan(query), planner.generic_plan(query)):
                                findings += [
                                    f"{service}.{operation} as {name}: {cost}\n{query.text}"
                                    for cost in growing_costs(plan, reaches_all=name in UNRESTRICTED)
                                ]
            await planner.close()
        assert not findings, "\n\n".join(dict.fromkeys(findings))
        assert query_count > 200
    finally:
        for pool in pools.values():
            await pool.close()


def _may_read(caller: str, operation: str) -> bool:
    if operation == "events":
        return True
    if operation in ("imports", "partners", "organisationMembers"):
        return caller == "staff"
    return caller in PEOPLE or operation in ("orders", "ordersById", "agreementsById", "articlesById")


async def _record_queries(
    pool: postgres.Pool, service: str, caller: Caller, clock: TestClock, call: Read, known: KnownRows
) -> list[SentQuery]:
    """Return the distinct queries of a read."""
    recorder = QueryRecorder()
    async with pool.acquire() as connection:
        harness: ServiceHarness[Any, Any] = ServiceHarness(
            blueprint_of(service), cast(Any, _SingleConnectionPool(connection)), clock
        )
        # Identity's API needs keys and passwords, its reads do not.
        api = _Identity(harness, connection, caller) if service == "identity" else harness.api(caller)
        with recorder.recording(connection):
            await call(CountingApi(api, counted=caller.subject_id not in _ALL), known)
    return list({query.text: query for query in recorder.queries}.values())


class _Identity:
    """Identity's reads for a caller."""

    def __init__(self, harness: ServiceHarness[Any, Any], connection: Any, caller: Caller) -> None:
        self._arguments = connection, caller, harness.clock.today()
        self._clock = harness.clock
        self._imports = ImportQueries("import_identity", harness.pool, harness.files)

    async def me(self) -> object:
        connection, caller, _ = self._arguments
        return await directory.me(connection, caller, self._clock)

    async def organisations(self, page: Page, *arguments: Any) -> object:
        listed = (*arguments, None, None)[:2]
        return await organisations.organisations(*self._arguments, page, *listed)

    async def organisations_by_id(self, ids: list[str]) -> object:
        return await organisations.organisations_by_id(*self._arguments, ids)

    async def actors(self, ids: list[str]) -> object:
        return await directory.actors(*self._arguments, ids)

    async def access_of(self, subject_id: str) -> object:
        return await directory.access_of(self._arguments[0], subject_id)

    async def organisations_of_partner(self, page: Page, *arguments: Any) -> object:
        ids, listed = [CALLERS["partner of one"].subject_id], (*arguments, None, None)[:2]
        (found,) = await organisations.organisations_of_partners(self._arguments[0], ids, page, *listed)
        return found

    async def organisation_members(self, page: Page, *arguments: Any) -> object:
        return await members.organisation_members(*self._arguments, page, *(*arguments, None, None)[:2])

    async def partners(self, page: Page, *arguments: Any) -> object:
        return await partners.partners(self._arguments[0], page, *(*arguments, None, None)[:2])

    async def imports(self, kind: ImportFileKind, page: Page, conditions: ImportFilter | None) -> object:
        return await self._imports.imports(kind.value.lower(), page, conditions)


OWNED = {"sites": ("site", "container"), "orders": ("agreement", "article", "order", "pickup"), "support": ("ticket",)}
"""Types of things by the service that owns them; a table is named by the plural."""
_ALL = {CALLERS[name].subject_id for name in UNRESTRICTED}


class _SingleConnectionPool:
    """A pool of one connection, which is recorded."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def acquire(self) -> "_SingleConnectionPool":
        return self

    async def __aenter__(self) -> Any:
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def _known(pools: dict[str, postgres.Pool]) -> KnownRows:
    ids: dict[str, list[str]] = {}
    for service, prefixes in OWNED.items():
        for prefix in prefixes:
            rows = await pools[service].fetch(f"SELECT id FROM {prefix}s ORDER BY id LIMIT 10")
            ids[prefix] = [write_id(prefix, row["id"]) for row in rows]
    return KnownRows(ids)
