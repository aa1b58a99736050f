"""A stub of sites."""

from services.chassis.problems import Forbidden
from services.contracts.sites import Container, Site, SiteFilter, SiteOrder
from services.contracts.values import Connection, Page
from tests.gateway.stubs.imports import ImportStub
from tests.gateway.stubs.samples import ORGANISATION, container, number_of, page_of, site


class SitesStub(ImportStub):
    service = "sites"
    count = 50

    async def sites(
        self,
        page: Page,
        filter: SiteFilter | None = None,
        order: SiteOrder | None = None,
        fields: list[str] | None = None,
        organisation_id: str | None = None,
    ) -> Connection[Site]:
        search = filter.search if filter else None
        if search == "forbidden":
            raise Forbidden
        if search == "broken":
            raise RuntimeError("a secret of the inside")
        if organisation_id not in (None, ORGANISATION):
            return page_of([], page)
        return page_of([site(number) for number in range(1, self.count + 1)], page)

    async def sites_by_id(self, ids: list[str], fields: list[str] | None = None) -> list[Site | None]:
        return [site(number_of(one)) if number_of(one) <= self.count else None for one in ids]

    async def containers_by_id(self, ids: list[str]) -> list[Container | None]:
        return [container(number_of(one)) if number_of(one) <= self.count else None for one in ids]
