"""Sites, put together: reads like a table of contents."""

from pathlib import Path

from services.access.assembly import Blueprint
from services.chassis.export_files import Kind
from services.contracts.sites import Sites
from services.sites.http.offering import Offering
from services.sites.messaging.handlers import HANDLERS
from services.sites.store.transaction import SitesTransaction
from services.sites.usecases.import_containers import ContainerRow, import_containers
from services.sites.usecases.import_sites import SiteRow, import_sites

SITES: Blueprint[SitesTransaction, Sites] = Blueprint(
    name="sites",
    contract=Sites,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=SitesTransaction,
    bind=lambda base: lambda caller: Offering(base, caller),
    listens=["identity"],
    handlers=lambda base: HANDLERS,
    imports=[Kind("sites", SiteRow, import_sites), Kind("containers", ContainerRow, import_containers)],
)
