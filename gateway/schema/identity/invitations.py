"""Query invitations and invitationPreview, and the fields of Invitation from elsewhere."""

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
from services.contracts.identity.invitations import (
    Invitation,
    InvitationFilter,
    InvitationOrder,
    InvitationPreview,
)
from services.contracts.identity.organisations import Organisation
from services.contracts.sites import Site
from services.contracts.values import Connection, Doc, Refusal


@batch_field(needs=["organisation_id"])
async def organisation(invitations: list[Invitation], info: Info) -> list[Organisation | None]:
    """The organisation; null if the caller may not see it."""
    return await load_organisations(info.context, [one.organisation_id for one in invitations])


@batch_field(needs=["by"])
async def invited_by(invitations: list[Invitation], info: Info) -> list[Actor | None]:
    """The user or the employee who invited; null if they are not known any more."""
    return await load_actors(info.context, [one.by for one in invitations])


@batch_field(needs=["accepted_by_id", "site_ids"])
async def accepted_by(invitations: list[Invitation], info: Info) -> list[Actor | None]:
    """The user who accepted it; null if it was not accepted, or if they are not known any more."""
    return await load_actors(info.context, [one.accepted_by_id for one in invitations])


@batch_field(needs=["site_ids"], size=ListSize(assumed_size=20))
async def sites(invitations: list[Invitation], info: Info, fields: SelectedFields) -> list[list[Site] | None]:
    """The sites that it is limited to, of those that the caller may see; null: all, later ones, too."""
    return await load_limited_sites(info.context, [one.site_ids for one in invitations], fields)


extend_type(
    Invitation, organisation, invited_by, accepted_by, sites, node=True, hidden=["by", "accepted_by_id", "site_ids"]
)


@field()
def invitations(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[
        InvitationFilter | None, Doc("The conditions that the invitations meet; None: no condition.")
    ] = None,
    order: Annotated[InvitationOrder | None, Doc("The order; None: the latest ones first.")] = None,
    updated_after: str | None = None,
) -> Awaitable[Connection[Invitation]]:
    """The invitations, past ones, too, to the organisations that the caller administers (I7)."""
    page = requested_page(info, first, after, last, before, updated_after)
    return raw_client(info.context.clients.identity).invitations(page, filter, order)


@field("InvitationPreviewResult")
async def invitation_preview(
    info: Info, token: Annotated[str, Doc("The secret of the invitation's link.")]
) -> InvitationPreview | Refusal:
    """The invitation of a link, for the page on which it is accepted (I8). Without a token of a session."""
    return await info.context.clients.identity.invitation_preview(token)
