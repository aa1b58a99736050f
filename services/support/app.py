"""Support, put together: reads like a table of contents."""

from collections.abc import Callable
from pathlib import Path

from services.access.assembly import Blueprint, Foundation
from services.access.caller import Caller
from services.access.copy import ACCESS
from services.chassis.rebuilding import Copy
from services.contracts.sites import SiteStated
from services.contracts.support import Support
from services.support.domain.limits import MessageLimits
from services.support.http.offering import Offering
from services.support.http.recipients import IdentityRecipients
from services.support.messaging.handlers import HANDLERS
from services.support.messaging.receipts import Receipts
from services.support.settings import SupportSettings
from services.support.store.transaction import SupportTransaction

Base = Foundation[SupportTransaction]


def _bind(base: Base) -> Callable[[Caller], Support]:
    # Without a process, as in most tests, there are no settings.
    limits = base.settings.message_limits if isinstance(base.settings, SupportSettings) else MessageLimits()
    return lambda caller: Offering(base, caller, limits)


SUPPORT: Blueprint[SupportTransaction, Support] = Blueprint(
    name="support",
    contract=Support,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=SupportTransaction,
    bind=_bind,
    settings=SupportSettings,
    listens=["identity", "sites"],
    handlers=lambda base: HANDLERS,
    versioned=["tickets"],
    copies=[ACCESS, Copy(SiteStated, "sites")],
    loops=lambda base: [Receipts(base.work, IdentityRecipients(base.identity, base.tokens)).run],
)
