"""Field selection: exactly the selected fields in their order and as declared, or none."""

import datetime as dt
import enum
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType

from services.chassis.rpc import batch_protocol
from services.chassis.rpc.field_selection import selection_encoder

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "RED"


class Street(msgspec.Struct, rename="camel"):
    street_name: str
    house_number: int


class House(msgspec.Struct, rename="camel"):
    id: str
    built_on: dt.date
    main_street: Street
    side_street: Street | None = None
    streets: list[Street] = []
    filled_in: list[Street] | UnsetType = UNSET
    height: float = 1.5
    floors: Annotated[int, Meta(ge=0)] | None = None
    marks: list[int | None] = []
    colour: Colour = Colour.RED


class Listed(msgspec.Struct, Generic[T]):
    items: list[T]
    more: bool = False


class Cat(msgspec.Struct, tag=True):
    name: str


class Dog(msgspec.Struct, tag=True):
    name: str


MAIN = Street("Ekokaari", 1)
HOUSE = House("a", dt.date(2026, 1, 2), MAIN, streets=[MAIN, Street("Rantakatu", 2)], marks=[1, None])


def select_fields(kind: Any, selection: bytes, value: Any) -> bytes | None:
    pick = selection_encoder(kind, selection)
    assert pick is not None
    return pick(value)


@pytest.mark.parametrize(
    ("selection", "shown"),
    [
        (b'["id"]', b'{"id":"a"}'),
        (b'["builtOn","id"]', b'{"builtOn":"2026-01-02","id":"a"}'),
        (b'["mainStreet",["houseNumber"],"id"]', b'{"mainStreet":{"houseNumber":1},"id":"a"}'),
        (b'["mainStreet"]', b'{"mainStreet":{"streetName":"Ekokaari","houseNumber":1}}'),
        (b'["sideStreet",["streetName"]]', b'{"sideStreet":null}'),
        (b'["streets",["houseNumber"]]', b'{"streets":[{"houseNumber":1},{"houseNumber":2}]}'),
        (b'["height","floors","marks","colour"]', b'{"height":1.5,"floors":null,"marks":[1,null],"colour":"RED"}'),
        (b'["__typename:House","kind:House","id"]', b'{"__typename":"House","kind":"House","id":"a"}'),
        (b"[]", b"{}"),
    ],
)
def test_the_selected_fields_are_encoded_in_their_order(selection: bytes, shown: bytes) -> None:
    assert select_fields(House, selection, HOUSE) == shown
    assert select_fields(House | None, selection, None) == b"null"
    assert select_fields(list[House | None], selection, [HOUSE, None]) == b"[%b,null]" % shown
    assert (
        select_fields(Listed[House], b'["items",%b,"more"]' % selection, Listed([HOUSE]))
        == b'{"items":[%b],"more":false}' % shown
    )


def changed(**to: Any) -> House:
    return msgspec.structs.replace(HOUSE, **to)


@pytest.mark.parametrize(
    ("selection", "value"),
    [
        (b'["id"]', changed(id=None)),
        (b'["id"]', changed(id=1)),
        (b'["id"]', None),
        (b'["id"]', "no house"),
        (b'["id"]', [HOUSE]),
        (b'["builtOn"]', changed(built_on="today")),
        (b'["mainStreet",["houseNumber"]]', changed(main_street=None)),
        (b'["mainStreet",["houseNumber"]]', changed(main_street=Street("a", "1"))),  # type: ignore[arg-type]
        (b'["mainStreet",["houseNumber"]]', changed(main_street=Street("a", 2**31))),
        (b'["marks"]', changed(marks=[1, -(2**31) - 1])),
        (b'["height"]', changed(height=float("nan"))),
        (b'["height"]', changed(height=float("inf"))),
        (b'["floors"]', changed(floors=-1)),
        (b'["colour"]', changed(colour="BLUE")),
        (b'["filledIn",["houseNumber"]]', HOUSE),
        (b'["filledIn"]', HOUSE),
    ],
)
def test_a_value_that_is_not_as_declared_has_no_selected_fields(selection: bytes, value: Any) -> None:
    assert select_fields(House, selection, value) is None


def test_a_field_that_may_be_unset_is_selected_if_it_is_set() -> None:
    assert (
        select_fields(House, b'["filledIn",["houseNumber"]]', changed(filled_in=[MAIN]))
        == b'{"filledIn":[{"houseNumber":1}]}'
    )


@pytest.mark.parametrize(
    ("kind", "selection"),
    [
        (House, b'["nothing"]'),
        (House, b'["id","id"]'),
        (House, b'["id:House","id"]'),
        (House, b'["id",["below"]]'),
        (House, b'["mainStreet",["nothing"]]'),
        (House, b'"id"'),
        (House, b'{"id":1}'),
        (House, b"null"),
        (House, b"["),
        (House, b'["id",1]'),
        (House, b'[["id"],"id"]'),
        (House, b"[" * 20_000),
        (list[int], b'["id"]'),
        (str, b'["id"]'),
        (dict[str, House], b'["id"]'),
        (Cat, b'["name"]'),
        (Cat | Dog, b'["name"]'),
        (House | Street, b'["id"]'),
        (None | UnsetType, b'["id"]'),
    ],
)
def test_an_unsupported_selection_has_no_encoder(kind: Any, selection: bytes) -> None:
    assert selection_encoder(kind, selection) is None


@pytest.mark.parametrize(
    ("field", "calls", "selections"),
    [
        ('[["id"]]', 1, [b'["id"]']),
        ('[null, ["id"] ]', 2, [b"", b'["id"]']),
        ('[["id"]]', 2, [b"", b""]),
        ("[]", 0, []),
        ("", 1, [b""]),
        (None, 2, [b"", b""]),
        ("nonsense", 1, [b""]),
        ('{"id":1}', 1, [b""]),
    ],
)
def test_the_selections_of_a_batch_are_parsed(field: str | None, calls: int, selections: list[bytes]) -> None:
    assert list(batch_protocol.parse_selections(field, calls)) == selections


def test_the_selection_field_has_each_calls_selection_and_a_maximum_length() -> None:
    assert batch_protocol.selection_field((b'["id"]', b"")) == b'Kierto-Pick: [["id"],null]\r\n'
    assert batch_protocol.selection_field((b"", b"")) == b""
    assert batch_protocol.selection_field((b'["%b"]' % (b"x" * 8_000),)) == b""
