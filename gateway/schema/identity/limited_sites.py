"""Sites that an access is limited to."""

from collections.abc import Sequence

from gateway.context import Context
from gateway.schema.loaders import load_sites
from services.contracts.sites import Site
from services.contracts.values import Id


async def load_limited_sites(
    context: Context, site_ids: Sequence[Sequence[Id] | None], fields: Sequence[str]
) -> list[list[Site] | None]:
    """Return the sites of each access that the caller may see; None for an access to all sites."""
    requested = [one for ids in site_ids if ids is not None for one in ids]
    found = dict(zip(requested, await load_sites(context, requested, fields), strict=True))
    return [None if ids is None else [site for one in ids if (site := found[one])] for ids in site_ids]
