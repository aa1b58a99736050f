"""Owners of other services without their processes, and what the tests of messages send through them."""

import datetime as dt
from collections.abc import Awaitable, Callable

import msgspec

from services.chassis.db.postgres import Pool, Row
from services.chassis.ids import write_id
from services.chassis.runtime.settings import Letterhead
from services.contracts.identity.people import Contact, Language
from services.contracts.imports import Import
from services.contracts.orders.events import OrderMoved, OrderPlaced, PickupMoved, PickupRecorded
from services.contracts.orders.orders import OrderKind, OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.orders.summaries import OrderSummary, PickupSummary
from services.contracts.sites import Address, Fraction, Person, SiteContact
from services.support.http.unsubscribe_links import SignedUnsubscribeLinks
from services.support.messaging.bounce_addresses import SignedBounceAddresses
from services.support.usecases.send_messages import MessageSources, send_messages
from tests.component.support.forms import Harness, an_id

DAY, USUAL_DAY = dt.date(2026, 12, 28), dt.date(2026, 12, 25)
LETTERHEAD = Letterhead(name="Lännen Kierto Oy")

LINKS = SignedUnsubscribeLinks(bytes(32), "https://kierto.example")
BOUNCES = SignedBounceAddresses(bytes(32), "bounces@kierto.example")


class FakeOwners:
    """Identity, sites and orders. ``errors`` are raised instead of answers, one a call."""

    def __init__(self, *errors: BaseException, language: Language = Language.FI) -> None:
        self.errors = list(errors)
        self.language = language
        self.deleted: set[str] = set()
        """Users without a contact."""
        self.unverified: set[str] = set()
        """Users whose address is not verified."""
        self.site_email: str | None = "isannointi@example.fi"
        """The address of every site's contact person; None: no site has one."""
        self.orders: dict[str, OrderSummary] = {}
        self.pickups: dict[str, PickupSummary] = {}
        self.imports: dict[str, Import] = {}
        self.requested: list[str] = []
        """The ids that were asked for, in order."""
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        """Runs during the next call."""

    @property
    def sources(self) -> MessageSources:
        """The sources of messages."""
        return MessageSources(
            recipients=_FakeRecipients(self),
            sites=_FakeSites(self),
            orders=_FakeOrders(self),
            imports=_FakeImports(self),
            links=LINKS,
            bounces=BOUNCES,
            letterhead=LETTERHEAD,
            language=Language.SV,
        )

    async def answer(self, asked: str) -> None:
        """Note a call, or fail it."""
        self.requested.append(asked)
        if self.errors:
            raise self.errors.pop(0)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()


class _FakeRecipients:
    def __init__(self, owners: FakeOwners) -> None:
        self._owners = owners

    async def contact_of(self, user_id: str) -> Contact | None:
        await self._owners.answer(user_id)
        if user_id in self._owners.deleted:
            return None
        email = None if user_id in self._owners.unverified else address_of(user_id)
        return Contact(user_id=user_id, username="mirja", email=email, language=self._owners.language)


class _FakeSites:
    def __init__(self, owners: FakeOwners) -> None:
        self._owners = owners

    async def contact_of(self, site_id: str) -> SiteContact | None:
        await self._owners.answer(site_id)
        email = self._owners.site_email
        return SiteContact(
            site_id=site_id,
            address=Address(street="Satamatie 12", postal_code="20100", city="Turku"),
            contact_person=Person(name="Isännöinti", phone=None, email=email) if email else None,
        )


class _FakeOrders:
    def __init__(self, owners: FakeOwners) -> None:
        self._owners = owners

    async def order(self, order_id: str) -> OrderSummary | None:
        await self._owners.answer(order_id)
        return self._owners.orders.get(order_id)

    async def pickup(self, pickup_id: str) -> PickupSummary | None:
        await self._owners.answer(pickup_id)
        return self._owners.pickups.get(pickup_id)


class _FakeImports:
    def __init__(self, owners: FakeOwners) -> None:
        self._owners = owners

    async def find(self, import_id: str) -> Import | None:
        await self._owners.answer(import_id)
        return self._owners.imports.get(import_id)


class Customer:
    """A site of an organisation, with an order and a pickup that the owners know."""

    def __init__(self, harness: Harness, owners: FakeOwners, org: str, site: str) -> None:
        self.harness = harness
        self.org = org
        self.site = site
        self.order, self.pickup = an_id("order"), an_id("pickup")
        self._owners = owners
        owners.orders[self.order] = OrderSummary(
            id=self.order, number="ORD-2026-000123", state=OrderState.SCHEDULED, fraction=Fraction.GLASS, date=DAY
        )
        self.plan(DAY)

    def plan(self, day: dt.date, state: PickupState = PickupState.PLANNED, failure: str | None = None) -> None:
        """Have orders answer with this day and state of the pickup."""
        self._owners.pickups[self.pickup] = PickupSummary(
            id=self.pickup, state=state, fraction=Fraction.GLASS, date=day, planned_on=USUAL_DAY, failure=failure
        )

    def order_in(self, state: OrderState) -> None:
        """Have orders answer with this state of the order."""
        self._owners.orders[self.order] = msgspec.structs.replace(self._owners.orders[self.order], state=state)

    async def placed(self, state: OrderState = OrderState.SCHEDULED) -> None:
        await self.harness.receive(
            OrderPlaced(
                order_id=self.order,
                organisation_id=self.org,
                site_id=self.site,
                agreement_id=an_id("agreement"),
                article_id=an_id("article"),
                fraction=Fraction.GLASS,
                kind=OrderKind.EXTRA_PICKUP,
                date=DAY,
                state=state,
                version=1,
            )
        )

    async def order_moved(self, before: OrderState, state: OrderState) -> None:
        await self.harness.receive(
            OrderMoved(
                order_id=self.order,
                organisation_id=self.org,
                site_id=self.site,
                date=DAY,
                before=before,
                state=state,
                version=2,
            )
        )

    async def recorded(self, state: PickupState, done_at: dt.datetime | None = None) -> None:
        await self.harness.receive(
            PickupRecorded(
                pickup_id=self.pickup,
                organisation_id=self.org,
                site_id=self.site,
                agreement_id=an_id("agreement"),
                order_id=None,
                article_id=an_id("article"),
                fraction=Fraction.GLASS,
                date=DAY,
                state=state,
                done_at=done_at or self.harness.clock.now(),
                grams=None,
                version=2,
            )
        )

    async def failed(self) -> None:
        """Have the pickup reported as failed, and known as failed by orders."""
        self.plan(DAY, PickupState.FAILED, "Portti oli lukossa")
        await self.recorded(PickupState.FAILED)

    async def moved(self, day: dt.date) -> None:
        """Have a holiday move the pickup to a day."""
        self.plan(day)
        await self.harness.receive(
            PickupMoved(
                pickup_id=self.pickup,
                organisation_id=self.org,
                site_id=self.site,
                agreement_id=an_id("agreement"),
                planned_on=USUAL_DAY,
                date=day,
            )
        )


def address_of(user_id: str) -> str:
    """Return the address of a user."""
    return f"{user_id}@example.fi"


async def set_last_restore(pool: Pool, at: dt.datetime | None) -> None:
    """Have the database compared with the broker, as a relay that leads has; ``at``: the last restore."""
    await pool.execute("UPDATE chassis.leader SET until = 'infinity', checked_epoch = epoch, restored_at = $1", at)


async def send_due(harness: Harness, owners: FakeOwners) -> None:
    """Send the messages of all causes that are due, as the jobs do."""
    for row in await harness.pool.fetch("SELECT id FROM message_causes WHERE due_at IS NOT NULL ORDER BY at, key"):
        await send_messages(harness.work, owners.sources, row["id"])


async def mails(harness: Harness) -> list[Row]:
    """Return the mails that were written, by recipient."""
    return await harness.pool.fetch("SELECT * FROM chassis.mail ORDER BY recipient")


async def addresses(harness: Harness) -> list[str]:
    """Return the recipients of the mails that were written, sorted."""
    return [mail["recipient"] for mail in await mails(harness)]


async def states(harness: Harness) -> list[tuple[str, str]]:
    """Return the kind and the state of each cause, in order of time."""
    rows = await harness.pool.fetch("SELECT kind, state FROM message_causes ORDER BY at, key")
    return [(row["kind"], row["state"]) for row in rows]


async def causes(harness: Harness) -> list[str]:
    """Return the ids of the things that the causes are about, in order of time."""
    rows = await harness.pool.fetch("SELECT kind, subject FROM message_causes ORDER BY at, key")
    prefixes = {"RECEIPT": "ticket", "TICKET_ANSWER": "entry", "ORDER_CONFIRMED": "order"}
    return [write_id(prefixes.get(row["kind"], "pickup"), row["subject"]) for row in rows]
