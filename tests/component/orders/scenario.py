"""A scenario of two customers and three sites, with their agreements and reference data.

Today is Wednesday, 4 March 2026, 10:00 in Helsinki. Residual waste is driven on Thursdays, biowaste on Fridays.
"""

import datetime as dt
import uuid
from collections.abc import AsyncIterator

import pytest

from services.access.caller import Caller
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.events import Grant
from services.contracts.orders.agreements import Agreement
from services.contracts.orders.operations import Orders
from services.contracts.orders.orders import OrderExtraPickup
from services.contracts.orders.reports import PickupReport, ReportKind
from services.contracts.permission import Role, SubjectKind
from services.contracts.sites import ContainerStated, Fraction, PropertyType, SiteStated
from services.contracts.values import Page
from services.orders.app import ORDERS
from services.orders.store.transaction import OrdersTransaction
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[OrdersTransaction, Orders]

ARTICLES = """\
article_number,name_fi,name_sv,name_nb,name_en,fraction,waste_code,unit,net_minor,vat_rate,currency,valid_from,valid_until
R360,LOPPUJÄTEASTIAN 360 L TYHJENNYS,Tömning,Tømming,Emptying,RESIDUAL,20 03 01,pcs,1250,255,EUR,2025-01-01,2026-03-31
R360,LOPPUJÄTEASTIAN 360 L TYHJENNYS,Tömning,Tømming,Emptying,RESIDUAL,20 03 01,pcs,1300,255,EUR,2026-04-01,
B240,240 L BIOJÄTEASTIAN TYHJENNYS,Bioavfall,Matavfall,Biowaste,BIOWASTE,20 01 08,pcs,990,255,EUR,2025-01-01,
"""
ROUTES = """\
route_number,area,fraction,weekdays,week_interval,first_week,valid_from,valid_until
TH1,KELTAKANGAS,RESIDUAL,TH,1,2025-01-01,2025-01-01,
FR1,KELTAKANGAS,BIOWASTE,TU FR,1,2025-01-01,2025-01-01,
"""
HOLIDAYS = """\
country,date,name_fi,name_sv,name_nb,name_en,moves_to
FI,2026-04-03,Pitkäperjantai,Långfredagen,Langfredag,Good Friday,2026-04-04
FI,2026-04-06,Toinen pääsiäispäivä,Annandag påsk,Andre påskedag,Easter Monday,2026-04-07
FI,2026-05-14,Helatorstai,Kristi himmelsfärdsdag,Kristi himmelfartsdag,Ascension Day,2026-05-15
SE,2026-06-06,Ruotsin kansallispäivä,Sveriges nationaldag,Sveriges nasjonaldag,National Day,2026-06-08
"""
RULES = """\
rule_number,municipality,fraction,kind,value,citation,valid_from,valid_until
T1,KOUVOLA,,TOLERANCE,1,Jätehuoltomääräykset 12 §,2025-01-01,
C1,KOUVOLA,,CUT_OFF,2 12:00,Jätehuoltomääräykset 14 §,2025-01-01,
I1,KOUVOLA,RESIDUAL,INTERVALS,2 4 6 8 12,Jätehuoltomääräykset 20 §,2025-01-01,
"""
AGREEMENTS = """\
agreement_number,site_number,container_number,article_number,route_number,fraction,litres,count,interval_weeks,ordered_on,first_pickup,ended_on
A1,50,C1,R360,TH1,RESIDUAL,360,1,2,2019-08-13,2026-01-08,
A2,50,C2,B240,FR1,BIOWASTE,240,2,1,2024-09-01,2026-01-09,
A3,51,C3,R360,TH1,RESIDUAL,360,1,12,2024-09-01,2026-01-08,2026-02-28
A4,60,C4,R360,TH1,RESIDUAL,360,1,4,2024-09-01,2026-01-15,
"""


class OrdersScenario:
    """The harness, the ids of the records, and callers."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.organisation_id, self.other_organisation_id = write_id("org", new_uuid()), write_id("org", new_uuid())
        self.sites = {number: write_id("site", new_uuid()) for number in ("50", "51", "60")}
        self.agreements: dict[str, Agreement] = {}

    async def build(self) -> None:
        owners = {"50": self.organisation_id, "51": self.organisation_id, "60": self.other_organisation_id}
        for number, site_id in self.sites.items():
            await self.harness.receive(site_stated(site_id, owners[number], number))
        containers = [("C1", "50", Fraction.RESIDUAL), ("C2", "50", Fraction.BIOWASTE)]
        containers += [("C3", "51", Fraction.RESIDUAL), ("C4", "60", Fraction.RESIDUAL)]
        for number, site, fraction in containers:
            await self.harness.receive(container_stated(number, self.sites[site], owners[site], fraction))
        files = {"articles": ARTICLES, "routes": ROUTES, "holidays": HOLIDAYS, "rules": RULES, "agreements": AGREEMENTS}
        for kind, text in files.items():
            done, bad = await self.harness.import_file(kind, text)
            assert (done.failed, bad) == (0, [])
        staff = self.harness.api(await self.staff())
        for connection in await staff.agreements_of_sites(list(self.sites.values()), Page()):
            for edge in connection.edges:
                self.agreements[edge.node.agreement_number] = edge.node

    def id(self, agreement_number: str) -> str:
        """Return the id of an agreement."""
        return self.agreements[agreement_number].id

    async def member(
        self, role: Role = Role.EDITOR, *, billing: bool = False, sites: list[str] | None = None
    ) -> Caller:
        """Return a member of the first organisation, or of the sites with these numbers."""
        site_ids = [self.sites[number] for number in sites] if sites is not None else None
        grant = Grant(organisation_id=self.organisation_id, role=role, billing=billing, site_ids=site_ids)
        return await self.harness.caller(grant)

    async def other_member(self) -> Caller:
        """Return an admin of the other organisation."""
        return await self.harness.caller(
            Grant(organisation_id=self.other_organisation_id, role=Role.ADMIN, billing=True)
        )

    async def partner(self, *scopes: str, everywhere: bool = False, nowhere: bool = False) -> Caller:
        """Return a partner of the first organisation, of all or of none."""
        grants = [] if nowhere else [Grant(organisation_id=None if everywhere else self.organisation_id)]
        return await self.harness.caller(*grants, kind=SubjectKind.PARTNER, scopes=list(scopes))

    async def staff(self) -> Caller:
        return await self.harness.caller(kind=SubjectKind.STAFF)

    async def number_events(self) -> None:
        """Give every event its sequence, as the relay does."""
        await self.harness.pool.execute(
            """
            UPDATE chassis.outbox o SET sequence = n.sequence
            FROM (SELECT position, row_number() OVER (ORDER BY position) AS sequence FROM chassis.outbox) AS n
            WHERE o.position = n.position
            """
        )
        await self.harness.pool.execute(
            "UPDATE chassis.leader SET last_sequence = (SELECT count(*) FROM chassis.outbox)"
        )


@pytest.fixture
async def scenario(make_harness: MakeHarness[OrdersTransaction, Orders]) -> AsyncIterator[OrdersScenario]:
    """Yield the scenario, set up."""
    orders_scenario = OrdersScenario(await make_harness(ORDERS))
    await orders_scenario.build()
    yield orders_scenario


def site_stated(site_id: str, organisation_id: str, number: str, version: int = 1) -> SiteStated:
    return SiteStated(
        site_id=site_id,
        organisation_id=organisation_id,
        site_number=number,
        municipality="KOUVOLA",
        area="KELTAKANGAS",
        property_type=PropertyType.HOUSING_COMPANY,
        dwellings=24,
        version=version,
    )


def container_stated(number: str, site_id: str, organisation_id: str, fraction: Fraction) -> ContainerStated:
    return ContainerStated(
        container_id=write_id("container", new_uuid()),
        container_number=number,
        site_id=site_id,
        organisation_id=organisation_id,
        fraction=fraction,
        litres=360,
        count=1,
        version=1,
    )


def day(text: str) -> dt.date:
    """Return a day of 2026, such as "12.3."."""
    number, month = text.rstrip(".").split(".")
    return dt.date(2026, int(month), int(number))


def extra_pickup(agreement_id: str, on: str, key: str | None = None) -> OrderExtraPickup:
    return OrderExtraPickup(idempotency_key=key or str(uuid.uuid4()), agreement_id=agreement_id, date=day(on))


def report(
    kind: ReportKind = ReportKind.EMPTIED,
    *,
    at: str = "2026-03-04T07:00:00+00:00",
    report_id: str | None = None,
    pickup_id: str | None = None,
    order_id: str | None = None,
    agreement_id: str | None = None,
    date: str | None = None,
    grams: int | None = None,
    reason: str | None = None,
) -> PickupReport:
    return PickupReport(
        report_id=report_id or str(uuid.uuid4()),
        kind=kind,
        at=dt.datetime.fromisoformat(at),
        pickup_id=pickup_id,
        order_id=order_id,
        agreement_id=agreement_id,
        date=day(date) if date else None,
        grams=grams,
        reason="Portti kiinni" if kind is ReportKind.FAILED and reason is None else reason,
    )
