"""The operations of sites, for one caller: each calls its query or use case."""

from services.access.caller import Caller
from services.contracts.sites import Container, Site, SiteContact, SiteFilter, SiteOrder
from services.contracts.values import Connection, Id, Page
from services.hosting.blueprint import ServiceRuntime
from services.hosting.imports_api import ImportsApi
from services.sites.queries import sites
from services.sites.store.transaction import SitesTransaction


class SitesApi(ImportsApi):
    """``services.contracts.sites.Sites`` for one caller."""

    def __init__(self, runtime: ServiceRuntime[SitesTransaction], caller: Caller) -> None:
        super().__init__(runtime.imports, caller)
        self._runtime = runtime

    async def sites(
        self,
        page: Page,
        filter: SiteFilter | None = None,
        order: SiteOrder | None = None,
        fields: list[str] | None = None,
        organisation_id: Id | None = None,
    ) -> Connection[Site]:
        day = self._runtime.clock.today()
        async with self._runtime.pool.acquire() as connection:
            return await sites.sites(connection, self._caller, day, page, filter, order, fields, organisation_id)

    async def sites_by_id(self, ids: list[Id], fields: list[str] | None = None) -> list[Site | None]:
        async with self._runtime.pool.acquire() as connection:
            return await sites.sites_by_id(connection, self._caller, self._runtime.clock.today(), ids, fields)

    async def site_contacts(self, site_ids: list[Id]) -> list[SiteContact | None]:
        async with self._runtime.pool.acquire() as connection:
            return await sites.site_contacts(connection, site_ids)

    async def containers_by_id(self, ids: list[Id]) -> list[Container | None]:
        async with self._runtime.pool.acquire() as connection:
            return await sites.containers_by_id(connection, self._caller, self._runtime.clock.today(), ids)
