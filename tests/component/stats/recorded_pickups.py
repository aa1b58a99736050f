"""Events of recorded pickups, for the tests of stats."""

import datetime as dt

from services.chassis.ids import new_uuid, write_id
from services.contracts.orders.events import PickupRecorded
from services.contracts.orders.pickups import PickupState
from services.contracts.sites import Fraction


def an_id(prefix: str) -> str:
    """Return a unique id."""
    return write_id(prefix, new_uuid())


def emptied(  # each with what a test says of it
    organisation_id: str,
    site_id: str,
    done_at: str,
    grams: int | None = 1_000,
    *,
    pickup_id: str | None = None,
    article_id: str | None = "article_01arz3ndektsv4rrffq69g5fav",
    fraction: Fraction | None = Fraction.RESIDUAL,
    state: PickupState = PickupState.EMPTIED,
    version: int = 2,
) -> PickupRecorded:
    """Return the event of a recorded pickup; ``done_at`` is RFC 3339."""
    at = dt.datetime.fromisoformat(done_at)
    return PickupRecorded(
        pickup_id=pickup_id or an_id("pickup"),
        organisation_id=organisation_id,
        site_id=site_id,
        agreement_id=an_id("agreement") if article_id else None,
        order_id=None,
        article_id=article_id,
        fraction=fraction,
        date=at.date(),
        state=state,
        done_at=at,
        grams=grams,
        version=version,
    )
