"""Sites by id, with just the fields that are wanted."""

from collections.abc import Sequence

from gateway.context import Context
from gateway.schema.declare import each, own_fields
from services.contracts.sites import Site


async def look_up_sites(context: Context, ids: Sequence[str], fields: Sequence[str]) -> list[Site | None]:
    """The sites with these ids, in their order; None for what the caller does not reach."""
    wanted = own_fields(Site, fields)
    return await each(ids, lambda different: context.sites.sites_by_id(different, wanted))
