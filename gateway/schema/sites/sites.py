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
        Doc(
            "Words of the street, house number, postal code, city, site number, customer number, payer's name and"
            " contact person's name, in any order, case and with or without accents; each has to be found. A number,"
            " or a word of one or two letters, is found at the beginning of a word, any other anywhere in one. At"
            " most 20 words; None: all sites."
        ),
    ] = None,
    order: SiteOrder = SiteOrder.ADDRESS,
    organisation_id: Annotated[Id | None, Doc("Sites of this organisation alone; None: of all.")] = None,
) -> Awaitable[Connection[Site]]:
    """The sites that the caller may see (L1)."""
    fields = selected_struct_fields(Site, info, "edges", "node")
    return raw_client(info.context.clients.sites).sites(
        Page(first=first, after=after, total=is_total_selected(info)), search, order, organisation_id, fields
    )
