"""Query sites."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.schema.fields import Info, field, is_total_selected, selected_struct_fields
from services.chassis.rpc.raw_result import raw_client
from services.contracts.sites import Site, SiteOrder
from services.contracts.values import Connection, Doc, Id, Page, SearchText


@field()
def sites(
    info: Info,
    first: int = 50,
    after: str | None = None,
    search: Annotated[
        SearchText | None,
        Doc("Part of a street, city, postal code or site number, in any case; None: all sites."),
    ] = None,
    order: SiteOrder = SiteOrder.ADDRESS,
    organisation_id: Annotated[Id | None, Doc("Sites of this organisation alone; None: of all.")] = None,
) -> Awaitable[Connection[Site]]:
    """The sites that the caller may see (L1)."""
    fields = selected_struct_fields(Site, info, "edges", "node")
    return raw_client(info.context.clients.sites).sites(
        Page(first=first, after=after, total=is_total_selected(info)), search, order, organisation_id, fields
    )
