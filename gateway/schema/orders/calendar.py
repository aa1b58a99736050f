"""Fields of Calendar: the site."""

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field
from gateway.schema.loaders import load_sites
from services.contracts.orders.pickups import Calendar
from services.contracts.sites import Site


@batch_field(needs=["site_id"])
async def site(calendars: list[Calendar], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site; null if the caller may not see it any more."""
    return await load_sites(info.context, [calendar.site_id for calendar in calendars], fields)


extend_type(Calendar, site)
