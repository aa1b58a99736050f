"""Support, put together: reads like a table of contents."""

from pathlib import Path

from services.access.assembly import Blueprint
from services.access.copy import ACCESS
from services.chassis.rebuilding import Copy
from services.contracts.sites import SiteStated
from services.contracts.support import Support
from services.support.http.offering import Offering
from services.support.http.recipients import IdentityRecipients
from services.support.messaging.handlers import HANDLERS
from services.support.messaging.receipts import Receipts
from services.support.store.transaction import SupportTransaction

SUPPORT: Blueprint[SupportTransaction, Support] = Blueprint(
    name="support",
    contract=Support,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=SupportTransaction,
    bind=lambda base: lambda caller: Offering(base, caller),
    listens=["identity", "sites"],
    handlers=lambda base: HANDLERS,
    versioned=["tickets"],
    copies=[ACCESS, Copy(SiteStated, "sites")],
    loops=lambda base: [Receipts(base.work, IdentityRecipients(base.identity, base.tokens)).run],
)
