"""References to entities that are not copied yet: a placeholder is added, or the command waits.

../support/test_contact_form.py has a contact form that waits for its site, ../orders a calendar and an agreement.
"""

import datetime as dt
from typing import Any

import pytest

from services.chassis.events.copies import rebuild
from services.chassis.ids import read_id
from services.chassis.jobs.job import RunAgain
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.identity.people import Language
from services.contracts.orders.agreements import Offers
from services.contracts.orders.operations import Orders
from services.contracts.orders.orders import Ordered
from services.contracts.orders.reports import PickupsReported
from services.contracts.permission import Role, SubjectKind
from services.contracts.sites import Fraction
from services.contracts.values import Page, Refusal
from services.orders.app import ORDERS
from services.orders.store.transaction import OrdersTransaction
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.component.copies.test_versions import an_id, container, organisation, site
from tests.component.identity import actions
from tests.component.identity.conftest import harness as identity
from tests.component.identity.conftest import settings
from tests.component.orders.scenario import OrdersScenario, container_stated, extra_pickup, report, site_stated
from tests.component.support.forms import form
from tests.support.chunks import iterate_chunks
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

__all__ = ["identity", "settings"]

SITE = "site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to\n"
INVOICE = "invoice_number,customer_number,invoice_date,due_date,period,net_minor,vat_rate,currency\n"


def refused(answer: object) -> list[tuple[str, bool]]:
    assert isinstance(answer, Refusal), answer
    return [(problem.code, problem.retryable) for problem in answer.problems]


NOT_READY_YET = [("NOT_READY_YET", True)]


async def test_a_container_adds_a_placeholder_of_its_site_that_the_site_replaces(
    make_harness: MakeHarness[OrdersTransaction, Orders],
) -> None:
    harness = await make_harness(ORDERS)
    stated, there = container(an_id("container"), 1), site(an_id("site"), 1)
    await harness.receive(container_stated("C1", there.site_id, stated.organisation_id, Fraction.GLASS))
    row = await harness.pool.fetchrow(
        "SELECT site_number, version FROM sites WHERE id = $1", read_id("site", there.site_id)
    )
    assert row is not None
    assert tuple(row) == (None, 0)
    await harness.receive(there)
    row = await harness.pool.fetchrow("SELECT site_number, version FROM sites")
    assert row is not None
    assert tuple(row) == (there.site_number, 1)


async def test_commands_on_an_agreement_wait_for_its_site(scenario: OrdersScenario) -> None:
    # A rebuild leaves a placeholder of a site that its owner does not state while an agreement refers to it.
    async with scenario.harness.pool.acquire() as connection:
        await rebuild.mark_stale(connection, ORDERS.copies)
        await connection.execute("UPDATE access.subjects SET doubted = false")
        let_go = await rebuild.purge_stale(connection, ORDERS.copies)
    assert (let_go.deleted, let_go.placeholders) == (0, 3 + 4)
    member, driver = await scenario.member(), await scenario.partner("pickups:report")
    api, agreement_id = scenario.harness.api(member), scenario.id("A1")
    order = extra_pickup(agreement_id, "12.3.")

    assert refused(await api.order_extra_pickup(order)) == NOT_READY_YET
    (offered,) = await api.extra_pickup_offers([agreement_id])
    assert refused(offered) == NOT_READY_YET
    answer = await scenario.harness.api(driver).report_pickups([report(agreement_id=agreement_id, date="5.3.")])
    assert isinstance(answer, PickupsReported)
    assert refused(answer.outcomes[0].refusal) == NOT_READY_YET
    assert await scenario.harness.emitted_events() == []
    _, bad = await scenario.harness.import_file("agreements", _agreement("A9", "50", "C1"))
    assert [(row.field, row.code) for row in bad] == [("site_number", "UNKNOWN")]

    await scenario.harness.receive(site_stated(scenario.sites["50"], scenario.organisation_id, "50"))

    ordered = await api.order_extra_pickup(order)
    assert isinstance(ordered, Ordered), "a refused command does not use its key"
    (offered,) = await api.extra_pickup_offers([agreement_id])
    assert isinstance(offered, Offers)
    reports = [report(agreement_id=agreement_id, date="5.3."), report(order_id=ordered.order.id)]
    answer = await scenario.harness.api(driver).report_pickups(reports)
    assert isinstance(answer, PickupsReported)
    assert all(outcome.accepted for outcome in answer.outcomes)


async def test_a_report_of_an_order_waits_for_its_site(scenario: OrdersScenario) -> None:
    member, driver = await scenario.member(), await scenario.partner("pickups:report")
    ordered = await scenario.harness.api(member).order_extra_pickup(extra_pickup(scenario.id("A1"), "12.3."))
    assert isinstance(ordered, Ordered)
    await scenario.harness.pool.execute("UPDATE sites SET version = 0")
    answer = await scenario.harness.api(driver).report_pickups([report(order_id=ordered.order.id)])
    assert isinstance(answer, PickupsReported)
    assert refused(answer.outcomes[0].refusal) == NOT_READY_YET


@pytest.mark.parametrize("blueprint", [SITES, ORDERS, STATS, SUPPORT], ids=lambda one: one.name)
async def test_access_to_an_unknown_site_is_stored(make_harness: MakeHarness[Any, Any], blueprint: Any) -> None:
    harness = await make_harness(blueprint)
    org, place, subject = an_id("org"), an_id("site"), an_id("user")
    other = an_id("site")
    grant = Grant(organisation_id=org, role=Role.EDITOR, site_ids=[place, other])
    await harness.receive(
        AccessStated(subject_id=subject, kind=SubjectKind.USER, version=1, active=True, scopes=[], grants=[grant])
    )
    rows = await harness.pool.fetch("SELECT organisation_id, site_id FROM access.grants")
    assert {tuple(row) for row in rows} == {(read_id("org", org), read_id("site", one)) for one in (place, other)}


async def test_a_contact_form_is_accepted_once_the_site_arrives_after_the_access_to_it(
    make_harness: MakeHarness[Any, Any],
) -> None:
    harness = await make_harness(SUPPORT)
    org, place = an_id("org"), an_id("site")
    caller = await harness.caller(Grant(organisation_id=org, role=Role.VIEWER, site_ids=[place]))
    command = form(place)
    assert refused(await harness.api(caller).send_contact_form(command)) == NOT_READY_YET
    await harness.receive(site_stated(place, org, "50"))
    assert not isinstance(await harness.api(caller).send_contact_form(command), Refusal)


async def test_an_agreement_of_a_placeholder_is_shown_as_stored(scenario: OrdersScenario) -> None:
    await scenario.harness.pool.execute("UPDATE sites SET version = 0")
    (connection,) = await scenario.harness.api(await scenario.member()).agreements_of_sites(
        [scenario.sites["50"]], Page()
    )
    assert [edge.node.agreement_number for edge in connection.edges] == ["A1", "A2"]


@pytest.mark.parametrize(
    ("blueprint", "kind", "text"),
    [
        (SITES, "sites", f"{SITE}50,62-1,Katu,45100,KOUVOLA,KOUVOLA,KESKUSTA,HOUSE,1,A\n"),
        (STATS, "invoices", f"{INVOICE}1,62-1,2026-01-31,2026-02-28,2026/1,1000,255,EUR\n"),
    ],
    ids=["sites", "invoices"],
)
async def test_an_imported_row_waits_for_its_customer(
    make_harness: MakeHarness[Any, Any], blueprint: Any, kind: str, text: str
) -> None:
    harness: ServiceHarness[Any, Any] = await make_harness(blueprint)
    uploaded = await harness.imports.upload(kind, f"{kind}.csv", iterate_chunks(text.encode()))
    await harness.imports.start(uploaded.id, Language.EN)
    with pytest.raises(RunAgain):  # every row waits
        await harness.run_import(uploaded.id)
    await harness.receive(organisation(an_id("org"), 1))
    await harness.run_import(uploaded.id)
    (done,) = await harness.imports.queries.imports_by_id([uploaded.id])
    assert done is not None
    assert (done.state, done.added, done.failed) == (BulkOperationState.DONE, 1, 0)


async def test_an_invoice_may_arrive_before_its_customer(identity: actions.Harness) -> None:
    await identity.receive(actions.invoice(actions.INVOICE, dt.date(2026, 3, 1)))
    # The same answer as for any wrong input: it tells a guesser nothing.
    assert [code for code, _ in actions.codes(await actions.register(identity))] == ["CUSTOMER_NOT_RECOGNISED"]
    await identity.import_file("organisations", actions.CUSTOMERS)
    await actions.registered(identity)


def _agreement(number: str, site_number: str, container_number: str) -> str:
    return (
        "agreement_number,site_number,container_number,article_number,route_number,fraction,litres,count,"
        "interval_weeks,ordered_on,first_pickup,ended_on\n"
        f"{number},{site_number},{container_number},R360,TH1,RESIDUAL,360,1,2,2019-08-13,2026-01-08,\n"
    )
