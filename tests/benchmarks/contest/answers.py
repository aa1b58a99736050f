"""Responses of the canned services: values of the contracts, encoded as the services encode them."""

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from services.chassis.ids import write_id
from services.chassis.rpc.field_selection import selection_encoder
from services.chassis.rpc.signature import signatures
from services.contracts.identity.sessions import PublicKeys
from services.contracts.orders.articles import Article
from services.contracts.orders.operations import Orders
from services.contracts.orders.pickups import Holiday, Pickup, PickupState
from services.contracts.sites import Address, Container, Fraction, Person, PropertyType, Site, Sites
from services.contracts.values import Connection, Edge, Money, PageInfo
from tests.benchmarks.contest.pages import OTHERS, Page

_FRACTIONS = (Fraction.RESIDUAL, Fraction.BIOWASTE, Fraction.CARDBOARD)
_STREETS = ("Ekokaari", "Mäntyläntie", "Åkerlundinkatu", "Rantakatu", "Kirkkokatu")
_CITIES = (("46860", "Keltakangas"), ("33100", "Tampere"), ("90100", "Oulu"))
_FIRST_DAY = dt.date(2026, 3, 9)
_DECLARED = {
    operation.name: operation.result for contract in (Sites, Orders) for operation in signatures(contract).values()
}


def write(folder: Path, page: Page, public_keys: str) -> None:
    """Write the response of each call of a page, whole, and the parts that this page and the others select."""
    folder.mkdir(parents=True, exist_ok=True)
    for operation, result in answers(page, public_keys).items():
        _write(folder, page, operation, result)
    for other in OTHERS:
        _write(folder, other, "sites", answers(other, public_keys)["sites"])


def _write(folder: Path, page: Page, operation: str, result: Any) -> None:
    call = f"{operation}-{page.sites}" if operation == "sites" else operation
    (folder / f"{call}.json").write_bytes(msgspec.json.encode(result))
    if operation in page.selected:
        selection = msgspec.json.encode(page.selected[operation])
        write_part(folder, call, page, selection, part(operation, selection, result))


def write_part(folder: Path, call: str, page: Page, selection: bytes, result: bytes) -> None:
    """Write the response of a call with this selection, for a page."""
    name = f"{call}.{page.operation.replace('/', '-')}"
    (folder / f"{name}.json").write_bytes(result)
    (folder / f"{name}.pick").write_bytes(selection)


def part(operation: str, selection: bytes, result: Any) -> bytes:
    """Return the selected part of an operation's result."""
    encode = selection_encoder(_DECLARED[operation], selection)
    selected = encode(result) if encode else None
    assert selected, "the selection is a part of the declared result"
    return selected


def answers(page: Page, public_keys: str) -> dict[str, Any]:
    """Return the results by operation, as values of the contracts."""
    numbers = range(1, page.sites + 1)
    return {
        "publicKeys": PublicKeys(jwks=public_keys),
        "sites": _connection([_site(number, with_containers=page.has_joins) for number in numbers]),
        "nextPickups": [_pickup(number) for number in numbers],
        "openOrderCounts": [number % 4 for number in numbers],
    }


def _id(prefix: str, number: int) -> str:
    return write_id(prefix, uuid.uuid5(uuid.NAMESPACE_OID, f"{prefix} {number}"))


def _connection(sites: list[Site]) -> Connection[Site]:
    edges = [Edge(cursor=f"cursor-{number:024}", node=site) for number, site in enumerate(sites)]
    info = PageInfo(
        has_next_page=True, has_previous_page=False, start_cursor=edges[0].cursor, end_cursor=edges[-1].cursor
    )
    return Connection(edges=edges, page_info=info, total_count=240)


def _site(number: int, *, with_containers: bool) -> Site:
    postal_code, city = _CITIES[number % len(_CITIES)]
    containers = [_container(3 * number + place, fraction) for place, fraction in enumerate(_FRACTIONS)]
    return Site(
        id=_id("site", number),
        organisation_id=_id("org", 1),
        site_number=f"{480000 + number}",
        address=Address(
            street=f"{_STREETS[number % len(_STREETS)]} {number} A {number % 30}", postal_code=postal_code, city=city
        ),
        municipality=city.upper(),
        area=f"A{number % 12}",
        property_type=PropertyType.HOUSING_COMPANY,
        dwellings=4 + number % 80,
        billed_to="As Oy Mäntylänkartano",
        contact_person=Person(name="Mirja Lehtonen", phone="+358 40 0000000", email="mirja@example.fi"),
        version=3,
        containers=containers if with_containers else UNSET,
    )


def _container(number: int, fraction: Fraction) -> Container:
    return Container(
        id=_id("container", number),
        container_number=f"C{700000 + number}",
        site_id=_id("site", number),
        fraction=fraction,
        litres=(240, 360, 660)[number % 3],
        count=1 + number % 4,
        version=1,
    )


def _pickup(number: int) -> Pickup:
    day = _FIRST_DAY + dt.timedelta(days=number % 28)
    moved = number % 10 == 0
    return Pickup(
        id=_id("pickup", number),
        site_id=_id("site", number),
        agreement_id=_id("agreement", number),
        order_id=None,
        article=Article(
            id=_id("article", number % 7),
            article_number=f"R{360 + number % 7}",
            name="LOPPUJÄTEASTIAN 360 L TYHJENNYS",
            fraction=_FRACTIONS[number % 3],
            waste_code="20 03 01",
            unit="pcs",
            price=Money.net(1250 + number, "EUR", 255),
        ),
        fraction=_FRACTIONS[number % 3],
        date=day,
        tolerance_days=1,
        original_date=day - dt.timedelta(days=1) if moved else None,
        moved_by=Holiday(date=day - dt.timedelta(days=1), name="Helatorstai") if moved else None,
        state=PickupState.PLANNED,
        done_at=None,
        grams=None,
        failure=None,
    )
