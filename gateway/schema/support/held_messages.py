"""Query heldMessages, and the fields of HeldMessage from other services."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import Node, extend_type
from gateway.schema.fields import Info, batch_field, field, requested_page
from gateway.schema.loaders import load_actors, load_organisations, load_sites
from gateway.schema.nodes import load_nodes
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.actors import Actor
from services.contracts.identity.organisations import Organisation
from services.contracts.sites import Site
from services.contracts.support.held_messages import HeldMessage, HeldMessageFilter, HeldMessageOrder
from services.contracts.values import Connection, Doc


@batch_field(needs=["organisation_id"])
async def organisation(held: list[HeldMessage], info: Info) -> list[Organisation | None]:
    """The organisation whose thing the messages are about; null if it is nobody's."""
    return await load_organisations(info.context, [one.organisation_id for one in held])


@batch_field(needs=["site_id"])
async def site(held: list[HeldMessage], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site that the messages are about; null if they are about none."""
    return await load_sites(info.context, [one.site_id for one in held], fields)


@batch_field(needs=["subject_id"])
async def subject(held: list[HeldMessage], info: Info, fields: SelectedFields) -> list[Node | None]:
    """The thing that the messages are about: a ticket, an answer in one, an order, a pickup or an import."""
    return await load_nodes(info.context, [one.subject_id for one in held], fields)


@batch_field(needs=["by"])
async def decided_by(held: list[HeldMessage], info: Info) -> list[Actor | None]:
    """The employee who decided; null while nobody has, and if they are not known any more."""
    return await load_actors(info.context, [one.by for one in held])


extend_type(HeldMessage, subject, organisation, site, decided_by, node=True, hidden=["by"])


@field()
def held_messages(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[
        HeldMessageFilter | None, Doc("The conditions that the held messages meet; None: no condition.")
    ] = None,
    order: Annotated[HeldMessageOrder | None, Doc("The order; None: the oldest cause first.")] = None,
    updated_after: str | None = None,
) -> Awaitable[Connection[HeldMessage]]:
    """The messages that were held after a restore of the database (S5). Staff only."""
    return raw_client(info.context.clients.support).held_messages(
        requested_page(info, first, after, last, before, updated_after), filter, order
    )
