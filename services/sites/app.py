"""Sites, put together: reads like a table of contents."""

from pathlib import Path

from services.access.assembly import Blueprint
from services.access.copy import ACCESS
from services.chassis.announcing import Announcement
from services.chassis.export_files import Kind
from services.chassis.rebuilding import Copy
from services.contracts.identity import OrganisationStated
from services.contracts.sites import ContainerStated, Sites, SiteStated
from services.sites.http.offering import Offering
from services.sites.messaging.handlers import HANDLERS
from services.sites.store.transaction import SitesTransaction
from services.sites.usecases.announce_containers import announce_containers
from services.sites.usecases.announce_sites import announce_sites
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
    versioned=["sites", "containers"],
    imports=lambda base: [
        Kind("sites", SiteRow, ("site_number",), import_sites),
        Kind("containers", ContainerRow, ("container_number",), import_containers),
    ],
    announcements=[
        Announcement(thing="site", event=SiteStated, table="sites", state=announce_sites),
        Announcement(thing="container", event=ContainerStated, table="containers", state=announce_containers),
    ],
    copies=[ACCESS, Copy(OrganisationStated, "organisations")],
)
