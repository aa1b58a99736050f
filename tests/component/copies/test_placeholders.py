"""A reference not yet known is no failure: a placeholder stands for it, or whoever refers to it waits for it.

That a contact form waits for its site is in ../support/test_contact_form.py, that a calendar and an agreement do in
../orders.
"""

import datetime as dt
from typing import Any

import pytest

from services.chassis import rebuilding
from services.chassis.ids import read_id
from services.contracts.identity import AccessStated, Grant, Role, SubjectKind
from services.contracts.imports import ImportState
from services.contracts.orders import Offers, Ordered, Orders, PickupsReported
from services.contracts.sites import Fraction
from services.contracts.values import Page, Refusal
from services.orders.app import ORDERS
from services.orders.store.transaction import OrdersTransaction
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.component.copies.test_versions import an_id, container, organisation, site
from tests.component.identity import steps
from tests.component.identity.conftest import bench as identity
from tests.component.identity.conftest import settings
from tests.component.orders.world import World, container_stated, extra, report, site_stated
from tests.component.support.forms import form
from tests.support.fixtures import MakeWorkbench
from tests.support.pieces import pieces_of
from tests.support.workbench import Workbench

__all__ = ["identity", "settings"]

SITE = "site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to\n"
INVOICE = "invoice_number,customer_number,invoice_date,due_date,period,net_minor,vat_rate,currency\n"


def refused(answer: object) -> list[tuple[str, bool]]:
    assert isinstance(answer, Refusal), answer
    return [(problem.code, problem.retryable) for problem in answer.problems]


NOT_READY_YET = [("NOT_READY_YET", True)]


async def test_a_container_makes_a_placeholder_of_its_site_that_the_site_fills(
    workbench: MakeWorkbench[OrdersTransaction, Orders],
) -> None:
    bench = await workbench(ORDERS)
    stated, there = container(an_id("container"), 1), site(an_id("site"), 1)
    await bench.receive(container_stated("C1", there.site_id, stated.organisation_id, Fraction.GLASS))
    row = await bench.pool.fetchrow(
        "SELECT site_number, version FROM sites WHERE id = $1", read_id("site", there.site_id)
    )
    assert row is not None
    assert tuple(row) == (None, 0)
    await bench.receive(there)
    row = await bench.pool.fetchrow("SELECT site_number, version FROM sites")
    assert row is not None
    assert tuple(row) == (there.site_number, 1)


async def test_commands_on_an_agreement_wait_for_its_site(world: World) -> None:
    # What a rebuild leaves of a site that its owner does not state while an agreement refers to it.
    async with world.bench.pool.acquire() as connection:
        await rebuilding.doubt(connection, ORDERS.copies)
        await connection.execute("UPDATE access.subjects SET doubted = false")
        let_go = await rebuilding.let_go(connection, ORDERS.copies)
    assert (let_go.deleted, let_go.placeholders) == (0, 3 + 4)
    member, driver = await world.member(), await world.partner("pickups:report")
    offering, agreement_id = world.bench.offering(member), world.id("A1")
    order = extra(agreement_id, "12.3.")

    assert refused(await offering.order_extra_pickup(order)) == NOT_READY_YET
    (offered,) = await offering.extra_pickup_offers([agreement_id])
    assert refused(offered) == NOT_READY_YET
    answer = await world.bench.offering(driver).report_pickups([report(agreement_id=agreement_id, date="5.3.")])
    assert isinstance(answer, PickupsReported)
    assert refused(answer.outcomes[0].refusal) == NOT_READY_YET
    assert await world.bench.announced() == []
    _, bad = await world.bench.import_file("agreements", _agreement("A9", "50", "C1"))
    assert [(row.field, row.code) for row in bad] == [("site_number", "UNKNOWN")]

    await world.bench.receive(site_stated(world.sites["50"], world.organisation_id, "50"))

    ordered = await offering.order_extra_pickup(order)
    assert isinstance(ordered, Ordered), "the key was left free"
    (offered,) = await offering.extra_pickup_offers([agreement_id])
    assert isinstance(offered, Offers)
    reports = [report(agreement_id=agreement_id, date="5.3."), report(order_id=ordered.order.id)]
    answer = await world.bench.offering(driver).report_pickups(reports)
    assert isinstance(answer, PickupsReported)
    assert all(outcome.accepted for outcome in answer.outcomes)


async def test_a_report_of_an_order_waits_for_its_site(world: World) -> None:
    member, driver = await world.member(), await world.partner("pickups:report")
    ordered = await world.bench.offering(member).order_extra_pickup(extra(world.id("A1"), "12.3."))
    assert isinstance(ordered, Ordered)
    await world.bench.pool.execute("UPDATE sites SET version = 0")
    answer = await world.bench.offering(driver).report_pickups([report(order_id=ordered.order.id)])
    assert isinstance(answer, PickupsReported)
    assert refused(answer.outcomes[0].refusal) == NOT_READY_YET


@pytest.mark.parametrize("blueprint", [SITES, ORDERS, STATS, SUPPORT], ids=lambda one: one.name)
async def test_access_to_what_is_not_known_yet_is_kept(workbench: MakeWorkbench[Any, Any], blueprint: Any) -> None:
    bench = await workbench(blueprint)
    org, place, subject = an_id("org"), an_id("site"), an_id("user")
    other = an_id("site")
    grant = Grant(organisation_id=org, role=Role.EDITOR, site_ids=[place, other])
    await bench.receive(
        AccessStated(subject_id=subject, kind=SubjectKind.USER, version=1, active=True, scopes=[], grants=[grant])
    )
    rows = await bench.pool.fetch("SELECT organisation_id, site_id FROM access.grants")
    assert {tuple(row) for row in rows} == {(read_id("org", org), read_id("site", one)) for one in (place, other)}


async def test_a_contact_form_is_taken_once_the_site_came_after_the_access_to_it(
    workbench: MakeWorkbench[Any, Any],
) -> None:
    bench = await workbench(SUPPORT)
    org, place = an_id("org"), an_id("site")
    caller = await bench.caller(Grant(organisation_id=org, role=Role.VIEWER, site_ids=[place]))
    command = form(place)
    assert refused(await bench.offering(caller).send_contact_form(command)) == NOT_READY_YET
    await bench.receive(site_stated(place, org, "50"))
    assert not isinstance(await bench.offering(caller).send_contact_form(command), Refusal)


async def test_an_agreement_of_a_placeholder_is_shown_as_it_was_known(world: World) -> None:
    await world.bench.pool.execute("UPDATE sites SET version = 0")
    (connection,) = await world.bench.offering(await world.member()).agreements_of_sites([world.sites["50"]], Page())
    assert [edge.node.agreement_number for edge in connection.edges] == ["A1", "A2"]


@pytest.mark.parametrize(
    ("blueprint", "kind", "text"),
    [
        (SITES, "sites", f"{SITE}50,62-1,Katu,45100,KOUVOLA,KOUVOLA,KESKUSTA,HOUSE,1,A\n"),
        (STATS, "invoices", f"{INVOICE}1,62-1,2026-01-31,2026-02-28,2026/1,1000,255,EUR\n"),
    ],
    ids=["sites", "invoices"],
)
async def test_what_is_imported_waits_for_its_customer(
    workbench: MakeWorkbench[Any, Any], blueprint: Any, kind: str, text: str
) -> None:
    bench: Workbench[Any, Any] = await workbench(blueprint)
    staged = await bench.imports.stage(kind, f"{kind}.csv", pieces_of(text.encode()))
    await bench.imports.start(staged.id)
    assert not await bench.imports._step(), "every row waits"
    await bench.receive(organisation(an_id("org"), 1))
    assert await bench.imports._step()
    while await bench.imports._step():
        pass
    (done,) = await bench.imports.imports([staged.id])
    assert done is not None
    assert (done.state, done.added, done.failed) == (ImportState.DONE, 1, 0)


async def test_an_invoice_may_come_before_its_customer(identity: steps.Bench) -> None:
    await identity.receive(steps.invoice(steps.INVOICE, dt.date(2026, 3, 1)))
    # The same answer as for whatever else is not recognised: who guesses learns nothing.
    assert [code for code, _ in steps.codes(await steps.register(identity))] == ["CUSTOMER_NOT_RECOGNISED"]
    await identity.import_file("organisations", steps.CUSTOMERS)
    await steps.registered(identity)


def _agreement(number: str, site_number: str, container_number: str) -> str:
    return (
        "agreement_number,site_number,container_number,article_number,route_number,fraction,litres,count,"
        "interval_weeks,ordered_on,first_pickup,ended_on\n"
        f"{number},{site_number},{container_number},R360,TH1,RESIDUAL,360,1,2,2019-08-13,2026-01-08,\n"
    )
