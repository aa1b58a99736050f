"""The blueprint of sites."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.access.copy import ACCESS_COPY
from services.chassis.events.copies.announcement import Announcement
from services.chassis.events.copies.rebuild import Copy
from services.chassis.imports.export_files import ImportKind
from services.chassis.imports.record_changes import leads_of
from services.contracts.identity.events import OrganisationStated
from services.contracts.sites import ContainerStated, Sites, SiteStated
from services.hosting.blueprint import Blueprint, ServiceRuntime
from services.sites.domain.site import ContainerFacts, SiteFacts
from services.sites.http.api import SitesApi
from services.sites.messaging.handlers import HANDLERS
from services.sites.store.sensitive import SENSITIVE
from services.sites.store.transaction import SitesTransaction
from services.sites.usecases.announce_containers import announce_containers
from services.sites.usecases.announce_sites import announce_sites
from services.sites.usecases.import_containers import ContainerRow, import_containers
from services.sites.usecases.import_sites import SiteRow, import_sites


def _imports(runtime: ServiceRuntime[SitesTransaction]) -> Sequence[ImportKind[SitesTransaction, Any]]:
    of_sites = functools.partial(import_sites, leads=leads_of(runtime.settings, "sites", SiteFacts))
    of_containers = functools.partial(import_containers, leads=leads_of(runtime.settings, "containers", ContainerFacts))
    return [
        ImportKind("sites", SiteRow, ("site_number",), of_sites),
        ImportKind("containers", ContainerRow, ("container_number",), of_containers),
    ]


SITES: Blueprint[SitesTransaction, Sites] = Blueprint(
    name="sites",
    contract=Sites,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=SitesTransaction,
    bind=lambda runtime: lambda caller: SitesApi(runtime, caller),
    subscribes_to=["identity"],
    handlers=lambda runtime: HANDLERS,
    sensitive=SENSITIVE,
    versioned=["sites", "containers"],
    has_files=True,
    imports=_imports,
    announcements=[
        Announcement(entity="site", event=SiteStated, table="sites", emit_page=announce_sites),
        Announcement(entity="container", event=ContainerStated, table="containers", emit_page=announce_containers),
    ],
    copies=[ACCESS_COPY, Copy(OrganisationStated, "organisations")],
)
