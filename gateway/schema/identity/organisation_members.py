"""Query organisationMembers, and the fields of Member from elsewhere."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.execution.cost.directives import ListSize
from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field, field, requested_page
from gateway.schema.identity.limited_sites import load_limited_sites
from gateway.schema.loaders import load_actors, load_organisations
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.actors import Actor
from services.contracts.identity.members import Member, MemberFilter, MemberOrder
from services.contracts.identity.organisations import Organisation
from services.contracts.sites import Site
from services.contracts.values import Connection, Doc


@batch_field(needs=["organisation_id"])
async def organisation(members: list[Member], info: Info) -> list[Organisation | None]:
    """The organisation; null if the caller may not see it."""
    return await load_organisations(info.context, [member.organisation_id for member in members])


@batch_field(needs=["by"])
async def user(members: list[Member], info: Info) -> list[Actor | None]:
    """The user; null if they are not known any more."""
    return await load_actors(info.context, [member.by for member in members])


@batch_field(needs=["site_ids"], size=ListSize(assumed_size=20))
async def sites(members: list[Member], info: Info, fields: SelectedFields) -> list[list[Site] | None]:
    """The sites that the member is limited to, of those that the caller may see; null: all, later ones, too."""
    return await load_limited_sites(info.context, [member.site_ids for member in members], fields)


extend_type(Member, organisation, user, sites, node=True, hidden=["by", "site_ids"])


@field()
def organisation_members(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[MemberFilter | None, Doc("The conditions that the members meet; None: no condition.")] = None,
    order: Annotated[MemberOrder | None, Doc("The order; None: the oldest ones first.")] = None,
    updated_after: str | None = None,
) -> Awaitable[Connection[Member]]:
    """The members, past ones, too, of the organisations that the caller administers (I7)."""
    page = requested_page(info, first, after, last, before, updated_after)
    return raw_client(info.context.clients.identity).organisation_members(page, filter, order)
