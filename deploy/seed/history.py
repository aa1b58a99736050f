"""The history of a site in two years: agreements, orders with each of their steps, recorded pickups, tickets."""

import datetime as dt
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from deploy.seed import population
from deploy.seed.ids import seeded_id
from deploy.seed.population import FOUNDED, Population, organisation_id, site_id
from deploy.seed.reference_data import ReferenceData
from services.chassis.ids import write_id
from services.contracts.orders.orders import SYSTEM, OrderKind, OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.sites import Fraction, PropertyType
from services.contracts.support.tickets import Channel, ContactPreference, TicketState
from services.contracts.ticket_requests import Topic
from services.contracts.values import Money
from services.orders.domain import order, pickup
from services.orders.domain.agreement import AgreementFacts, AgreementRecord
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupOutcome, PickupRecord, RecordedPickup
from services.orders.domain.routes import WEEKDAYS
from services.sites.domain.site import ContainerFacts, ContainerRecord, SiteFacts, SiteRecord
from services.support.domain.ticket import TicketRecord

HISTORY_LENGTH = dt.timedelta(days=730)
"""How far back it reaches."""
_RECENT = dt.timedelta(days=14)
"""In this time before now the newest order of every site was placed."""
_SETTLED_AFTER = dt.timedelta(days=60)
"""Orders that were placed earlier are done."""

_STREETS = ("Koivukatu", "Mäntytie", "Kuusikuja", "Pihlajapolku", "Tammitie", "Lehmuskatu", "Haapatie", "Vaahterakuja")
_PLACES = (("45100", "KOUVOLA", "KESKUSTA"), ("45700", "KUUSANKOSKI", "KUUSANKOSKI"),
           ("46860", "KELTAKANGAS", "KELTAKANGAS"))  # fmt: skip
_PROPERTY_TYPES = tuple(PropertyType)


class _AgreementType(NamedTuple):
    """A service of every site: an agreement on an article, its bins, its rhythm, and how many pickups are recorded."""

    article: str
    litres: int
    every_weeks: int
    pickups: int


_AGREEMENT_TYPES = (
    _AgreementType("R660", 660, 2, 3),
    _AgreementType("B240", 240, 2, 2),
    _AgreementType("K660", 660, 4, 2),
)

_CLOSED_STATES = (
    (OrderState.COMPLETED, OrderState.FAILED, OrderState.CANCELLED, OrderState.COMPLETED),
    (OrderState.COMPLETED, OrderState.COMPLETED, OrderState.REJECTED, OrderState.COMPLETED),
)
"""The states of the older orders of a site; the second is of every other site."""
_OPEN_STATES = (OrderState.RECEIVED, OrderState.NEEDS_REVIEW, OrderState.CONFIRMED, OrderState.SCHEDULED)
"""Where the newest order of a site stands."""
_TRANSITIONS: Mapping[OrderState, Sequence[OrderState]] = {
    OrderState.RECEIVED: (),
    OrderState.NEEDS_REVIEW: (OrderState.NEEDS_REVIEW,),
    OrderState.CONFIRMED: (OrderState.CONFIRMED,),
    OrderState.SCHEDULED: (OrderState.CONFIRMED, OrderState.SCHEDULED),
    OrderState.COMPLETED: (OrderState.CONFIRMED, OrderState.SCHEDULED, OrderState.COMPLETED),
    OrderState.FAILED: (OrderState.CONFIRMED, OrderState.SCHEDULED, OrderState.FAILED),
    OrderState.CANCELLED: (OrderState.CONFIRMED, OrderState.CANCELLED),
    OrderState.REJECTED: (OrderState.NEEDS_REVIEW, OrderState.REJECTED),
}
_OUTCOMES = {OrderState.COMPLETED: PickupState.EMPTIED, OrderState.FAILED: PickupState.FAILED}
_FAILURE = "ACCESS_BLOCKED"
_KILOS = {Fraction.RESIDUAL: (12, 48), Fraction.BIOWASTE: (8, 40), Fraction.CARDBOARD: (9, 30)}
_CARRIER = "erp"
"""The reporter of every pickup."""

ORDERS_A_SITE = len(_CLOSED_STATES[0]) + 1
PICKUPS_A_SITE = 10
"""About: those of the agreements, and those of orders that a truck came for."""


class SiteHistory(msgspec.Struct, frozen=True):
    """A site with all that it has. ``orders`` are each order's versions, the last as it is now."""

    site: SiteRecord
    containers: Sequence[ContainerRecord]
    agreements: Sequence[AgreementRecord]
    orders: Sequence[Sequence[OrderRecord]]
    pickups: Sequence[RecordedPickup]
    tickets: Sequence[TicketRecord]
    """Without their numbers, which only support gives."""


class HistoryGenerator:
    """Makes the histories of sites, as they are at ``now`` in a zone. ``article_ids`` by number."""

    def __init__(
        self,
        there_are: Population,
        trade: ReferenceData,
        article_ids: Mapping[str, uuid.UUID],
        now: dt.datetime,
        zone: dt.tzinfo,
    ) -> None:
        self._there_are = there_are
        self._trade = trade
        self._article_ids = article_ids
        self._articles = {article_ids[number]: article for number, article in trade.article_by_number.items()}
        self._now = now
        self._today = now.astimezone(zone).date()

    def at(self, place: int) -> SiteHistory:
        """Return the history of the site that stands at a place."""
        number = self._there_are.site_at(place)
        owner = self._there_are.owner(number)
        chance = random.Random(number)  # noqa: S311 - the same every time is what is wanted
        site = _site(number, place, owner)
        services = [self._service(site, number, place, which) for which in range(len(_AGREEMENT_TYPES))]
        agreements = [agreement for _, agreement in services]
        orders = list(self._orders(agreements, number, owner, chance))
        regular = [
            one
            for agreement, service in zip(agreements, _AGREEMENT_TYPES, strict=True)
            for one in self._regular(agreement, service.pickups, chance)
        ]
        ordered = [one for versions in orders if (one := self._ordered(versions[-1], agreements, chance))]
        return SiteHistory(
            site=site,
            containers=[container for container, _ in services],
            agreements=agreements,
            orders=orders,
            pickups=regular + ordered,
            tickets=[self._ticket(site, number, owner, chance)] if number % 2 == 0 else [],
        )

    def _service(
        self, site: SiteRecord, number: int, place: int, which: int
    ) -> tuple[ContainerRecord, AgreementRecord]:
        service = _AGREEMENT_TYPES[which]
        article_id = self._article_ids[service.article]
        fraction = self._articles[article_id].fraction
        route = self._trade.route_by_number[f"{site.facts.area}-{fraction.value}"]
        serial, count = place * len(_AGREEMENT_TYPES) + which, 1 + number % 2
        container_id = seeded_id("container", serial, FOUNDED)
        container = ContainerRecord(
            id=container_id,
            version=1,
            organisation_id=site.facts.organisation_id,
            facts=ContainerFacts(
                container_number=f"S{serial:08}", site_id=site.id, fraction=fraction, litres=service.litres, count=count
            ),
        )
        weekday = dt.timedelta(days=WEEKDAYS.index(route.weekdays), weeks=number % service.every_weeks)
        facts = AgreementFacts(
            agreement_number=f"S{serial:08}",
            site_id=site.id,
            container_id=container_id,
            article_id=article_id,
            route_number=route.route_number,
            fraction=fraction,
            litres=service.litres,
            count=count,
            interval_weeks=service.every_weeks,
            ordered_on=route.valid_from,
            first_pickup=route.first_week + weekday,
            ended_on=None,
        )
        return container, AgreementRecord(
            id=seeded_id("agreement", serial, FOUNDED),
            version=1,
            organisation_id=site.facts.organisation_id,
            municipality=site.facts.municipality,
            facts=facts,
        )

    def _orders(
        self, agreements: Sequence[AgreementRecord], number: int, owner: int, chance: random.Random
    ) -> Iterator[list[OrderRecord]]:
        """Yield the orders of a site: closed ones spread over the history, then a recent one that is open."""
        placed_by = write_id("user", population.user_id(owner))
        older = _CLOSED_STATES[number % len(_CLOSED_STATES)]
        window = (HISTORY_LENGTH - _SETTLED_AFTER) / len(older)
        for which, state in enumerate(older):
            at = self._now - HISTORY_LENGTH + window * (which + chance.random())
            agreement = agreements[which % len(agreements)]
            yield self._order(agreement, number * ORDERS_A_SITE + which, state, at, placed_by, chance)
        at = self._now - dt.timedelta(hours=6) - _RECENT * chance.random()
        newest = number * ORDERS_A_SITE + len(older)
        yield self._order(agreements[1], newest, _OPEN_STATES[number % len(_OPEN_STATES)], at, placed_by, chance)

    def _order(
        self,
        agreement: AgreementRecord,
        serial: int,
        state: OrderState,
        at: dt.datetime,
        by: str,
        chance: random.Random,
    ) -> list[OrderRecord]:
        facts = agreement.facts
        article = self._articles[facts.article_id]
        day = self._between_pickups(agreement, max(at.date() + dt.timedelta(days=2), self._earliest(state)))
        versions = [
            order.place(
                seeded_id("order", serial, at),
                "",  # its row gets the service's next number
                kind=OrderKind.EXTRA_PICKUP,
                organisation_id=agreement.organisation_id,
                site_id=facts.site_id,
                agreement_id=agreement.id,
                article_id=facts.article_id,
                fraction=facts.fraction,
                date=day,
                price=Money.net(article.net_minor * facts.count, article.currency, article.vat_rate),
                at=at,
                by=by,
            )
        ]
        for step, reached in enumerate(_TRANSITIONS[state], 1):
            arrived = reached in _OUTCOMES
            versions.append(
                order.transition(
                    versions[-1],
                    reached,
                    at=_in_the_morning(day, chance) if arrived else at + step * dt.timedelta(hours=1),
                    by=_CARRIER if arrived else SYSTEM,
                    reason=_FAILURE if reached is OrderState.FAILED else None,
                )
            )
        return versions

    def _earliest(self, state: OrderState) -> dt.date:
        """Return the first day that an order in this state can be for."""
        return self._today + dt.timedelta(days=1) if state in _OPEN_STATES else dt.date.min

    def _between_pickups(self, agreement: AgreementRecord, earliest: dt.date) -> dt.date:
        """Return the first day from ``earliest`` on, no holiday, on which the route passes and nothing is planned."""
        a_week = dt.timedelta(weeks=1)
        following = (planned + a_week for planned in agreement.facts.cadence.after(earliest - a_week))
        return next(day for day in following if not self._trade.holidays.on(day))

    def _regular(self, agreement: AgreementRecord, count: int, chance: random.Random) -> Iterator[RecordedPickup]:
        """Yield recorded pickups of an agreement's cadence, one in each of ``count`` equal parts of the history."""
        begin, window = self._today - HISTORY_LENGTH, (HISTORY_LENGTH - _SETTLED_AFTER) / count
        for part in range(count):
            since = begin + window * (part + 0.7 * chance.random())
            planned = next(day for day in agreement.facts.cadence.after(since) if not self._trade.holidays.on(day))
            state = PickupState.FAILED if chance.random() < 0.01 else PickupState.EMPTIED
            done_at = _in_the_morning(planned, chance)
            yield self._recorded(
                pickup.regular_pickup(agreement.id, planned, planned), agreement, state, done_at, chance
            )

    def _ordered(
        self, now: OrderRecord, agreements: Sequence[AgreementRecord], chance: random.Random
    ) -> RecordedPickup | None:
        """Return the recorded pickup of an order, if a truck came for it."""
        state = _OUTCOMES.get(now.state)
        if state is None:
            return None
        agreement = next(one for one in agreements if one.id == now.agreement_id)
        planned = pickup.ordered_pickup(now.agreement_id, now.id, now.date)
        return self._recorded(planned, agreement, state, now.timeline[-1].at, chance)

    def _recorded(
        self,
        planned: PickupRecord,
        agreement: AgreementRecord,
        state: PickupState,
        done_at: dt.datetime,
        chance: random.Random,
    ) -> RecordedPickup:
        emptied = state is PickupState.EMPTIED
        low, high = _KILOS[agreement.facts.fraction]
        outcome = PickupOutcome(
            state=state,
            done_at=done_at,
            grams=int((low + chance.random() * (high - low)) * 10) * 100 * agreement.facts.count if emptied else None,
            failure=None if emptied else _FAILURE,
        )
        return pickup.recorded_under(pickup.apply_outcome(planned, outcome), agreement)

    def _ticket(self, site: SiteRecord, number: int, owner: int, chance: random.Random) -> TicketRecord:
        at = self._now - HISTORY_LENGTH * chance.random()
        settled = self._now - at >= _SETTLED_AFTER
        return TicketRecord(
            id=seeded_id("ticket", number, at),
            number="",
            organisation_id=site.facts.organisation_id,
            site_id=site.id,
            site_number=site.facts.site_number,
            user_id=population.user_id(owner),
            topic=tuple(Topic)[number // 2 % len(Topic)],
            channel=Channel.PORTAL,
            state=TicketState.CLOSED if settled else TicketState.NEW,
            contact_preference=ContactPreference.NONE,
            opened_at=at,
            updated_at=at,
            settled_at=at if settled else None,
            version=1,
        )


def _site(number: int, place: int, owner: int) -> SiteRecord:
    postal_code, city, area = _PLACES[number % len(_PLACES)]
    facts = SiteFacts(
        site_number=f"S{place:07}",
        organisation_id=organisation_id(owner),
        street=f"{_STREETS[number % len(_STREETS)]} {number // len(_STREETS) % 300 + 1}",
        postal_code=postal_code,
        city=city,
        municipality="KOUVOLA",
        area=area,
        property_type=_PROPERTY_TYPES[number % len(_PROPERTY_TYPES)],
        dwellings=1 + number % 40,
        billed_to=f"Asiakas {owner} Oy",
        contact_name="Saara Siemen",
        contact_phone="+358 40 0000000",
        contact_email="siemen@example.fi",
    )
    return SiteRecord(id=site_id(place), version=1, facts=facts)


def _in_the_morning(day: dt.date, chance: random.Random) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(5 + int(chance.random() * 5), int(chance.random() * 60)), tzinfo=dt.UTC)
