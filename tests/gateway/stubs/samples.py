"""The sample data of the stubs, by number."""

import datetime as dt
import uuid
from typing import Any

from services.chassis.ids import read_id, write_id
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.orders.agreements import Agreement
from services.contracts.orders.articles import Article
from services.contracts.orders.orders import SYSTEM, Order, OrderKind, OrderState, Step
from services.contracts.orders.pickups import Pickup, PickupState
from services.contracts.permission import Role, SubjectKind
from services.contracts.sites import Address, Container, Fraction, Person, PropertyType, Site
from services.contracts.values import DEFAULT_PAGE, Connection, Edge, Money, Page, PageInfo

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)
ORGANISATION = write_id("org", uuid.UUID(int=1))
OTHER_ORGANISATION = write_id("org", uuid.UUID(int=2))
USER = write_id("user", uuid.UUID(int=1))
STAFF = write_id("user", uuid.UUID(int=2))
PARTNER = write_id("partner", uuid.UUID(int=1))
MEMBER, INVITATION = (write_id(prefix, uuid.UUID(int=1)) for prefix in ("member", "invitation"))
ARTICLE = Article(
    id=write_id("article", uuid.UUID(int=1)),
    article_number="240-RES",
    name="Sekajäteastian tyhjennys",
    fraction=Fraction.RESIDUAL,
    waste_code="20 03 01",
    unit="pcs",
    price=Money.net(823, "EUR", 255),
)


def site_id(number: int) -> str:
    return write_id("site", uuid.UUID(int=number))


def container_id(number: int) -> str:
    return write_id("container", uuid.UUID(int=number))


def agreement_id(number: int) -> str:
    return write_id("agreement", uuid.UUID(int=number))


def order_id(number: int) -> str:
    return write_id("order", uuid.UUID(int=number))


def number_of(any_id: str) -> int:
    """Return the number of a sample's id; MalformedId if it is malformed."""
    return read_id(any_id.rpartition("_")[0], any_id).int % 10_000


def site(number: int) -> Site:
    return Site(
        id=site_id(number),
        organisation_id=ORGANISATION,
        site_number=f"S{number}",
        address=Address(street=f"Ekokaari {number}", postal_code="46860", city="Keltakangas"),
        municipality="Kouvola",
        area="A1",
        property_type=PropertyType.HOUSING_COMPANY,
        dwellings=12,
        billed_to="As Oy Mirja",
        contact_person=Person(name="Maija", phone=None, email=None),
        version=1,
        containers=[container(number)],
    )


def container(number: int) -> Container:
    return Container(
        id=container_id(number),
        container_number=f"C{number}",
        site_id=site_id(number),
        fraction=Fraction.RESIDUAL,
        litres=240,
        count=1,
        version=1,
    )


def agreement(number: int) -> Agreement:
    return Agreement(
        id=agreement_id(number),
        agreement_number=f"A{number}",
        organisation_id=ORGANISATION,
        site_id=site_id(number),
        container_id=container_id(number),
        container_number=f"C{number}",
        article=ARTICLE,
        fraction=Fraction.RESIDUAL,
        litres=240,
        count=1,
        interval_weeks=2,
        ordered_on=dt.date(2019, 8, 13),
        ended_on=None,
        next_pickup=dt.date(2026, 3, 9),
        version=1,
    )


def pickup(number: int) -> Pickup:
    return Pickup(
        id=write_id("pickup", uuid.UUID(int=number)),
        site_id=site_id(number),
        agreement_id=agreement_id(number),
        order_id=None,
        article=ARTICLE,
        fraction=Fraction.RESIDUAL,
        date=dt.date(2026, 3, 9),
        tolerance_days=1,
        original_date=None,
        moved_by=None,
        state=PickupState.PLANNED,
        done_at=None,
        grams=None,
        failure=None,
    )


def order(number: int) -> Order:
    return Order(
        id=order_id(number),
        number=f"ORD-2026-{number:06}",
        kind=OrderKind.EXTRA_PICKUP,
        state=OrderState.CONFIRMED,
        organisation_id=ORGANISATION,
        site_id=site_id(1),
        agreement_id=agreement_id(number),
        article=ARTICLE,
        fraction=Fraction.RESIDUAL,
        date=dt.date(2026, 3, 10),
        price=None,
        placed_at=NOW,
        timeline=[
            Step(state=OrderState.RECEIVED, at=NOW, by=USER, reason=None),
            Step(state=OrderState.CONFIRMED, at=NOW, by=SYSTEM, reason=None),
        ],
        version=1,
    )


def page_of(nodes: list[Any], page: Page) -> Connection[Any]:
    """Return a page whose cursors are indices."""
    start, size = int(page.after) + 1 if page.after else 0, DEFAULT_PAGE if page.first is None else page.first
    edges = [Edge(cursor=str(place), node=node) for place, node in enumerate(nodes)][start : start + size]
    info = PageInfo(
        has_next_page=start + size < len(nodes),
        has_previous_page=start > 0,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=info, total_count=len(nodes))


def partner_access(*organisations: str | None, version: int = 1, active: bool = True) -> AccessStated:
    """Return the access of a partner to these organisations; None is all."""
    grants = [Grant(organisation_id=one) for one in organisations]
    return AccessStated(
        subject_id=PARTNER,
        kind=SubjectKind.PARTNER,
        version=version,
        active=active,
        scopes=["orders:read", "orders:subscribe"],
        grants=grants,
    )


def member_access(
    *, organisation: str = ORGANISATION, sites: list[str] | None = None, version: int = 1, active: bool = True
) -> AccessStated:
    """Return the access of a member to an organisation, or to some of its sites."""
    return AccessStated(
        subject_id=USER,
        kind=SubjectKind.USER,
        version=version,
        active=active,
        scopes=[],
        grants=[Grant(organisation_id=organisation, role=Role.VIEWER, site_ids=sites)],
    )
