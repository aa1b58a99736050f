"""Query sites."""

from collections.abc import Awaitable

from gateway.schema.fields import Info, field, is_total_selected, selected_struct_fields
from services.chassis.rpc.raw_result import raw_client
from services.contracts.sites import Site, SiteOrder
from services.contracts.values import Connection, Id, Page


@field()
def sites(
    info: Info,
    first: int = 50,
    after: str | None = None,
    search: str | None = None,
    order: SiteOrder = SiteOrder.ADDRESS,
    organisation_id: Id | None = None,
) -> Awaitable[Connection[Site]]:
    """The sites that the caller may see (L1). ``search`` matches parts of street, city, postal code and site number,
    case-insensitively.
    """
    fields = selected_struct_fields(Site, info, "edges", "node")
    return raw_client(info.context.clients.sites).sites(
        Page(first=first, after=after, total=is_total_selected(info)), search, order, organisation_id, fields
    )
