"""A clock that a test moves."""

import datetime as dt
import zoneinfo


class TestClock:
    """A clock that stands at an instant. Implements ``services.chassis.runtime.clock.Clock``."""

    __test__ = False

    def __init__(self, instant: dt.datetime) -> None:
        self.instant = instant
        self.zone = zoneinfo.ZoneInfo("Europe/Helsinki")

    def now(self) -> dt.datetime:
        return self.instant

    def today(self) -> dt.date:
        return self.instant.astimezone(self.zone).date()

    def move(self, **by: float) -> None:
        self.instant += dt.timedelta(**by)
