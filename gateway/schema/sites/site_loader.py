"""Loader of sites by id."""

from collections.abc import Sequence

from gateway.context import Context
from gateway.schema.fields import filter_struct_fields, load_many
from services.contracts.sites import Site


async def load_sites(context: Context, ids: Sequence[str], fields: Sequence[str]) -> list[Site | None]:
    """Return the sites with these ids, with selected fields only; None for one that the caller may not see."""
    own = filter_struct_fields(Site, fields)
    return await load_many(ids, lambda distinct: context.clients.sites.sites_by_id(distinct, own))
