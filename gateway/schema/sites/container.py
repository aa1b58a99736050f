"""Fields of Container: the site."""

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field
from gateway.schema.loaders import load_sites
from services.contracts.sites import Container, Site


@batch_field(needs=["site_id"])
async def site(containers: list[Container], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site on which it stands; null if the caller may not see it."""
    return await load_sites(info.context, [container.site_id for container in containers], fields)


extend_type(Container, site, node=True)
