"""A pickup as a fact, and its share of the volumes."""

import datetime as dt
import uuid
from collections.abc import Sequence

import msgspec

from services.contracts.orders.pickups import PickupState
from services.contracts.sites import Fraction


class PickupFact(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a pickup. A higher ``version`` replaces a lower one."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    site_id: uuid.UUID
    agreement_id: uuid.UUID | None
    order_id: uuid.UUID | None
    article_id: uuid.UUID | None
    fraction: Fraction | None
    date: dt.date | None
    """The planned day; None before one is planned."""
    state: PickupState
    done_at: dt.datetime | None
    """The instant of the outcome."""
    grams: int | None
    """The weight of all its containers; None if they were not weighed."""
    version: int


class VolumeDelta(msgspec.Struct, frozen=True, kw_only=True):
    """Grams and pickups of an article and fraction, on a site and day; negative to subtract them again."""

    organisation_id: uuid.UUID
    day: dt.date
    site_id: uuid.UUID
    article_id: uuid.UUID | None
    fraction: Fraction | None
    grams: int
    pickups: int


def latest_versions(pickups: Sequence[PickupFact]) -> list[PickupFact]:
    """Return the highest version of each pickup; of two with one version the first."""
    latest: dict[uuid.UUID, PickupFact] = {}
    for pickup in pickups:
        known = latest.get(pickup.id)
        if known is None or known.version < pickup.version:
            latest[pickup.id] = pickup
    return list(latest.values())


def counting_day(pickup: PickupFact, zone: dt.tzinfo) -> dt.date | None:
    """Return the day, in ``zone``, on which a pickup counts; None unless it is EMPTIED.

    A pickup without ``done_at`` counts on its planned day, and not at all if it has none.
    """
    if pickup.state is not PickupState.EMPTIED:
        return None
    return pickup.done_at.astimezone(zone).date() if pickup.done_at else pickup.date


def volume_delta(pickup: PickupFact, day: dt.date | None) -> VolumeDelta | None:
    """Return the share of the volumes of a pickup that counts on ``day``; None if it does not count."""
    if day is None:
        return None
    return VolumeDelta(
        organisation_id=pickup.organisation_id,
        day=day,
        site_id=pickup.site_id,
        article_id=pickup.article_id,
        fraction=pickup.fraction,
        grams=pickup.grams or 0,
        pickups=1,
    )


def correcting_deltas(before: VolumeDelta | None, after: VolumeDelta | None) -> list[VolumeDelta]:
    """Return the deltas that make the volumes count ``after`` instead of ``before``."""
    if before is not None and after is not None and _volume_key(before) == _volume_key(after):
        grams = after.grams - before.grams
        return [msgspec.structs.replace(after, grams=grams, pickups=0)] if grams else []
    subtracted = [msgspec.structs.replace(before, grams=-before.grams, pickups=-1)] if before else []
    return [*subtracted, *([after] if after else [])]


def _volume_key(delta: VolumeDelta) -> VolumeDelta:
    return msgspec.structs.replace(delta, grams=0, pickups=0)
