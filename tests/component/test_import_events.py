"""An import announces what it wrote as stated; only past pickups are reports, with the events of reports."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.chassis.ids import new_uuid, write_id
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.declare import Event, event_type_of
from services.contracts.identity.events import OrganisationStated
from services.contracts.identity.organisations import OrganisationKind
from services.contracts.identity.people import Language
from services.contracts.imports import ImportFinished
from services.contracts.orders.events import OrderMoved, PickupRecorded
from services.contracts.sites import Fraction
from services.hosting.blueprint import Blueprint
from services.identity.settings import IdentitySettings
from tests.component.identity.conftest import settings
from tests.component.orders.scenario import container_stated, site_stated
from tests.integration.copies.services_fixture import SERVICES
from tests.support.chunks import iterate_chunks
from tests.support.fixtures import MakeHarness

__all__ = ["settings"]

ROWS: Mapping[str, tuple[str, str, Sequence[str]]] = {
    "organisations": ("customer_number,name,kind", "62-0000001-00,{},HOUSEHOLD", ["Aino", "Eino"]),
    "invoices": (
        "invoice_number,customer_number,invoice_date,due_date,period,net_minor,vat_rate,currency",
        "1962859,62-0000001-00,2026-01-31,2026-02-28,2026/1,{},255,EUR",
        ["1000", "2000"],
    ),
    "sites": (
        "site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to",
        "50,62-0000001-00,{},46860,KELTAKANGAS,KOUVOLA,KELTAKANGAS,HOUSE,1,Aino",
        ["Tie 1", "Tie 2"],
    ),
    "containers": ("container_number,site_number,fraction,litres,count", "C1,50,RESIDUAL,{},1", ["240", "360"]),
    "articles": (
        "article_number,name_fi,name_sv,name_nb,name_en,fraction,waste_code,unit,net_minor,vat_rate,currency,valid_from",
        "R360,Tyhjennys,Tömning,Tømming,Emptying,RESIDUAL,20 03 01,pcs,{},255,EUR,2025-01-01",
        ["1250", "1300"],
    ),
    "routes": (
        "route_number,area,fraction,weekdays,week_interval,first_week,valid_from",
        "TH1,KELTAKANGAS,RESIDUAL,{},1,2025-01-01,2025-01-01",
        ["TH", "FR"],
    ),
    "holidays": (
        "country,date,name_fi,name_sv,name_nb,name_en,moves_to",
        "FI,2026-04-03,Pitkäperjantai,Långfredagen,Langfredag,Good Friday,{}",
        ["2026-04-04", "2026-04-07"],
    ),
    "rules": (
        "rule_number,municipality,kind,value,citation,valid_from",
        "T1,KOUVOLA,TOLERANCE,{},12 §,2025-01-01",
        ["1", "2"],
    ),
    "agreements": (
        "agreement_number,site_number,container_number,article_number,route_number,fraction,litres,count,"
        "interval_weeks,ordered_on,first_pickup",
        "A1,50,C1,R360,TH1,RESIDUAL,360,1,{},2019-08-13,2026-01-09",
        ["2", "4"],
    ),
    "pickups": (
        "pickup_number,agreement_number,date,outcome,grams",
        "P1,A1,2026-01-09,EMPTIED,{}",
        ["38500", "39500"],
    ),
}
"""By kind of file the header, a row, and two values of a field of it."""

REPORTS: Mapping[str, Sequence[type[Event]]] = {"pickups": [PickupRecorded, OrderMoved]}
"""The kinds whose import is a series of reports, with their events. A receiver judges their age by ``done_at``."""

ORGANISATION, SITE = write_id("org", new_uuid()), write_id("site", new_uuid())
KNOWN: Sequence[Event] = [
    OrganisationStated(
        organisation_id=ORGANISATION, customer_number="62-0000001-00", kind=OrganisationKind.HOUSEHOLD, version=1
    ),
    site_stated(SITE, ORGANISATION, "50"),
    container_stated("C1", SITE, ORGANISATION, Fraction.RESIDUAL),
]
"""The subjects of other services to which the rows refer."""


@pytest.mark.parametrize("blueprint", SERVICES, ids=lambda blueprint: blueprint.name)
async def test_every_kind_of_file_emits_stated_events_alone(
    make_harness: MakeHarness[Any, Any], settings: IdentitySettings, blueprint: Blueprint[Any, Any]
) -> None:
    harness = await make_harness(blueprint)
    harness.settings = settings
    copied = {copy.event for copy in blueprint.copies}
    await harness.receive(*[event for event in KNOWN if type(event) in copied])
    for kind in harness.imports.kinds:
        header, row, values = ROWS[kind]
        before = len(await harness.emitted_events())
        done = [(await harness.import_file(kind, f"{header}\n{row.format(value)}\n"))[0] for value in values]
        assert [(one.added, one.changed) for one in done] == [(1, 0), (0, 1)], kind
        emitted = (await harness.emitted_events())[before:]
        others = [type(event) for event in emitted if not event_type_of(event).name.endswith(".stated")]
        assert set(others) <= set(REPORTS.get(kind, [])), kind
    assert await harness.pool.fetchval("SELECT count(*) FROM chassis.mail") == 0


@pytest.mark.parametrize(
    "blueprint", [one for one in SERVICES if one.name != "support"], ids=lambda blueprint: blueprint.name
)
async def test_the_end_of_an_import_that_a_user_started_is_an_event(
    make_harness: MakeHarness[Any, Any], settings: IdentitySettings, blueprint: Blueprint[Any, Any]
) -> None:
    harness = await make_harness(blueprint)
    harness.settings = settings
    kind, starter = next(iter(harness.imports.kinds)), write_id("user", new_uuid())
    header, _, _ = ROWS[kind]
    uploaded = await harness.imports.upload(kind, f"{kind}.csv", iterate_chunks(f"{header}\n".encode()))
    await harness.imports.start(uploaded.id, Language.EN, started_by=starter)
    for _ in range(2):
        await harness.run_import(uploaded.id)
    (ended,) = [one for one in await harness.emitted_events() if isinstance(one, ImportFinished)]
    assert event_type_of(ended).service == blueprint.name
    assert (ended.import_id, ended.state, ended.starter_id) == (uploaded.id, BulkOperationState.DONE, starter)
