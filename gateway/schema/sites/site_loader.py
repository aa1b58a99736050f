"""Sites by id, with just the fields that are wanted."""

from collections.abc import Sequence

from gateway.context import Context
from gateway.schema.fields import filter_struct_fields, load_many
from services.contracts.sites import Site


async def load_sites(context: Context, ids: Sequence[str], fields: Sequence[str]) -> list[Site | None]:
    """The sites with these ids, in their order; None for what the caller does not reach."""
    wanted = filter_struct_fields(Site, fields)
    return await load_many(ids, lambda different: context.sites.sites_by_id(different, wanted))
