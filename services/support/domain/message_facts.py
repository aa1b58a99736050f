"""The facts that a message tells, and whether its cause still holds."""

from collections.abc import Callable, Mapping

import msgspec

from services.contracts.imports import Import
from services.contracts.orders.orders import OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.orders.summaries import OrderSummary, PickupSummary
from services.contracts.sites import SiteContact
from services.contracts.support.messages import MessageKind
from services.support.domain.message import CauseRecord
from services.support.domain.ticket import EntryRecord, SenderContact, TicketRecord

_CONFIRMED_STATES = frozenset({OrderState.CONFIRMED, OrderState.SCHEDULED, OrderState.IN_PROGRESS})


class MessageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts about a cause, at the time at which its messages are sent. Each is None where the kind needs none."""

    cause: CauseRecord
    ticket: TicketRecord | None = None
    entry: EntryRecord | None = None
    """The entry of the ticket's thread that is told of."""
    sender: SenderContact | None = None
    """The ticket's own contact."""
    order: OrderSummary | None = None
    pickup: PickupSummary | None = None
    done_import: Import | None = None
    site_number: str = ""
    """The number of the site; empty without one."""
    site: SiteContact | None = None


def _entry_is_there(facts: MessageFacts) -> bool:
    return facts.ticket is not None and facts.entry is not None


def _order_is_confirmed(facts: MessageFacts) -> bool:
    return facts.order is not None and facts.order.state in _CONFIRMED_STATES


def _pickup_is_on_the_day(facts: MessageFacts) -> bool:
    pickup = facts.pickup
    return pickup is not None and pickup.state is PickupState.PLANNED and pickup.date == facts.cause.day


def _pickup_has_failed(facts: MessageFacts) -> bool:
    return facts.pickup is not None and facts.pickup.state is PickupState.FAILED


def _import_is_known(facts: MessageFacts) -> bool:
    return facts.done_import is not None and facts.done_import.state.final


_CONDITIONS: Mapping[MessageKind, Callable[[MessageFacts], bool]] = {
    MessageKind.RECEIPT: _entry_is_there,
    MessageKind.TICKET_ANSWER: _entry_is_there,
    MessageKind.ORDER_CONFIRMED: _order_is_confirmed,
    MessageKind.DAY_CHANGED: _pickup_is_on_the_day,
    MessageKind.COULD_NOT_EMPTY: _pickup_has_failed,
    MessageKind.IMPORT_FINISHED: _import_is_known,
}


def still_holds(facts: MessageFacts) -> bool:
    """Return whether a cause still holds: an order that was cancelled meanwhile is not told as confirmed."""
    return _CONDITIONS[facts.cause.kind](facts)
