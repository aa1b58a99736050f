"""Lists in filters: an empty one is refused, as is one that is too long."""

import enum
from typing import Protocol

import pytest

from services.chassis.rpc.signature import signatures
from services.contracts.declare import read
from services.contracts.permission import PEOPLE
from services.contracts.values import Filter, SearchText, SiteId


class Colour(enum.Enum):
    RED = "RED"


class BinFilter(Filter, frozen=True, kw_only=True):
    site_ids: list[SiteId] | None = None
    colours: list[Colour] | None = None
    search: SearchText | None = None


class Bins(Protocol):
    @read(PEOPLE)
    async def bins(self, filter: BinFilter | None = None, names: list[SearchText] | None = None) -> list[int]: ...


def problems(filter: BinFilter | None, names: list[str] | None = None) -> list[tuple[str, list[str], str | None]]:
    """Return the problems of a call as code, path and reason."""
    bins = signatures(Bins)["bins"]
    return [(one.code, one.path, one.params.get("reason")) for one in bins.problems_of(bins.arguments(filter, names))]


@pytest.mark.parametrize(
    ("filter", "path"),
    [(BinFilter(site_ids=[]), ["filter", "siteIds"]), (BinFilter(colours=[]), ["filter", "colours"])],
)
def test_an_empty_list_is_malformed(filter: BinFilter, path: list[str]) -> None:
    assert problems(filter) == [("MALFORMED", path, "EMPTY_LIST")]


def test_a_list_of_more_than_200_values_is_malformed() -> None:
    assert problems(BinFilter(colours=[Colour.RED] * 200)) == []
    assert problems(BinFilter(colours=[Colour.RED] * 201)) == [("MALFORMED", ["filter", "colours"], "TOO_MANY")]


def test_no_filter_and_no_condition_are_fine() -> None:
    for fine in (None, BinFilter(), BinFilter(colours=[Colour.RED], search="")):
        assert problems(fine, []) == []
