"""The data that the seeded trade follows: the demonstration's articles, routes, holidays and rules."""

import csv
from pathlib import Path
from typing import TypeVar

import msgspec

from services.orders.domain.holidays import HolidayRecord, Holidays
from services.orders.domain.price import ArticlePrice
from services.orders.domain.routes import Route
from services.orders.domain.rules import Rule

_DEMO_EXPORT = Path(__file__).parents[1] / "local" / "demo"

R = TypeVar("R", bound=msgspec.Struct)


class ReferenceData:
    """The rows of the demonstration's files, and what they come to."""

    def __init__(self) -> None:
        self.articles = _rows("articles", ArticlePrice)
        self.routes = _rows("routes", Route)
        self.holiday_rows = _rows("holidays", HolidayRecord)
        self.rules = _rows("rules", Rule)
        self.holidays = Holidays(self.holiday_rows)
        self.article_by_number = {article.article_number: article for article in self.articles}
        self.route_by_number = {route.route_number: route for route in self.routes}


def _rows(name: str, kind: type[R]) -> list[R]:
    with (_DEMO_EXPORT / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        cells = [{column: cell for column, cell in row.items() if cell} for row in csv.DictReader(file)]
    return msgspec.convert(cells, list[kind], strict=False)  # type: ignore[valid-type]
