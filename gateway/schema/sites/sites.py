"""Query sites."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.schema.fields import Info, field, requested_page, selected_struct_fields
from services.chassis.rpc.raw_result import raw_client
from services.contracts.sites import Site, SiteFilter, SiteOrder
from services.contracts.values import Connection, Doc


@field()
def sites(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[SiteFilter | None, Doc("The conditions that the sites meet; None: no condition.")] = None,
    order: Annotated[SiteOrder | None, Doc("The order; None: by address.")] = None,
    updated_after: str | None = None,
) -> Awaitable[Connection[Site]]:
    """The sites that the caller may see (L1)."""
    fields = selected_struct_fields(Site, info, "edges", "node")
    return raw_client(info.context.clients.sites).sites(
        requested_page(info, first, after, last, before, updated_after), filter, order, fields
    )
