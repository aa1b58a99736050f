"""A pickup as a fact, and what it adds to the volumes."""

import datetime as dt
import uuid
from collections.abc import Sequence

import msgspec

from services.contracts.orders import PickupState
from services.contracts.sites import Fraction


class PickupFact(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a pickup. ``date`` is the planned day, ``done_at`` when its outcome was reached.

    ``grams`` is what all its bins weighed; None where nothing was weighed. A higher ``version`` replaces a lower one.
    """

    id: uuid.UUID
    organisation_id: uuid.UUID
    site_id: uuid.UUID
    agreement_id: uuid.UUID
    order_id: uuid.UUID | None
    article_id: uuid.UUID
    fraction: Fraction
    date: dt.date
    state: PickupState
    done_at: dt.datetime | None
    grams: int | None
    version: int


class VolumeDelta(msgspec.Struct, frozen=True, kw_only=True):
    """Grams and pickups of one article and fraction, on one site and day; negative where they are taken out again."""

    organisation_id: uuid.UUID
    day: dt.date
    site_id: uuid.UUID
    article_id: uuid.UUID
    fraction: Fraction
    grams: int
    pickups: int


def latest_versions(pickups: Sequence[PickupFact]) -> list[PickupFact]:
    """Of each pickup its highest version alone; of two that are alike the one that came first."""
    found: dict[uuid.UUID, PickupFact] = {}
    for pickup in pickups:
        known = found.get(pickup.id)
        if known is None or known.version < pickup.version:
            found[pickup.id] = pickup
    return list(found.values())


def counting_day(pickup: PickupFact, zone: dt.tzinfo) -> dt.date | None:
    """The day, in ``zone``, on which a pickup counts; None if it does not count: only an EMPTIED one does.

    One that was emptied nobody knows when counts on its planned day.
    """
    if pickup.state is not PickupState.EMPTIED:
        return None
    return pickup.done_at.astimezone(zone).date() if pickup.done_at else pickup.date


def volume_delta(pickup: PickupFact, day: dt.date | None) -> VolumeDelta | None:
    """What a pickup that counts on ``day`` adds to the volumes; None if it does not count."""
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
    """What must be added to the volumes, a line a place, for ``after`` to count instead of ``before``."""
    if before is not None and after is not None and _volume_key(before) == _volume_key(after):
        grams = after.grams - before.grams
        return [msgspec.structs.replace(after, grams=grams, pickups=0)] if grams else []
    taken_out = [msgspec.structs.replace(before, grams=-before.grams, pickups=-1)] if before else []
    return [*taken_out, *([after] if after else [])]


def _volume_key(one: VolumeDelta) -> VolumeDelta:
    return msgspec.structs.replace(one, grams=0, pickups=0)
