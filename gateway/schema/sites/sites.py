"""The caller's sites."""

from collections.abc import Awaitable

from gateway.schema.declare import Info, field, total_wanted, wanted_of
from services.chassis.rpc.undecoded import undecoded
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
    """The caller's sites (L1). ``search`` finds parts of street, city, postal code and site number in any case."""
    fields = wanted_of(Site, info, "edges", "node")
    return undecoded(info.context.sites).sites(
        Page(first=first, after=after, total=total_wanted(info)), search, order, organisation_id, fields
    )
