"""Fields of Ticket from other services, and its thread."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field, requested_page
from gateway.schema.loaders import (
    load_actors,
    load_agreements,
    load_orders,
    load_organisations,
    load_pickups,
    load_sites,
)
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.actors import Actor
from services.contracts.identity.organisations import Organisation
from services.contracts.orders.agreements import Agreement
from services.contracts.orders.orders import Order
from services.contracts.orders.pickups import Pickup
from services.contracts.sites import Site
from services.contracts.support.thread import TicketEntry, TicketEntryFilter, TicketEntryOrder
from services.contracts.support.tickets import Ticket
from services.contracts.values import Connection, Doc


@batch_field(needs=["organisation_id"])
async def organisation(tickets: list[Ticket], info: Info) -> list[Organisation | None]:
    """The organisation of the ticket; null if there is none, or the caller may not see it."""
    return await load_organisations(info.context, [ticket.organisation_id for ticket in tickets])


@batch_field(needs=["site_id"])
async def site(tickets: list[Ticket], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site that the ticket is about; null if there is none, or the caller may not see it."""
    return await load_sites(info.context, [ticket.site_id for ticket in tickets], fields)


@batch_field(needs=["pickup_id"])
async def pickup(tickets: list[Ticket], info: Info) -> list[Pickup | None]:
    """The pickup that the ticket is about; null if there is none, or the caller may not see it."""
    return await load_pickups(info.context, [ticket.pickup_id for ticket in tickets])


@batch_field(needs=["order_id"])
async def order(tickets: list[Ticket], info: Info) -> list[Order | None]:
    """The order that the ticket is about; null if there is none, or the caller may not see it."""
    return await load_orders(info.context, [ticket.order_id for ticket in tickets])


@batch_field(needs=["agreement_id"])
async def agreement(tickets: list[Ticket], info: Info) -> list[Agreement | None]:
    """The agreement that the ticket is about; null if there is none, or the caller may not see it."""
    return await load_agreements(info.context, [ticket.agreement_id for ticket in tickets])


@batch_field(needs=["by"])
async def opened_by(tickets: list[Ticket], info: Info) -> list[Actor | None]:
    """The one who opened the ticket; null for a public form, for Kierto itself, and if they are not known any more."""
    return await load_actors(info.context, [ticket.by for ticket in tickets])


@batch_field(needs=["assigned_to"])
async def assignee(tickets: list[Ticket], info: Info) -> list[Actor | None]:
    """The employee who works on the ticket; null if nobody does. Only staff see the name."""
    return await load_actors(info.context, [ticket.assigned_to for ticket in tickets])


@batch_field(needs=["id"])
def thread(
    tickets: list[Ticket],
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[
        TicketEntryFilter | None, Doc("The conditions that the entries meet; None: no condition.")
    ] = None,
    order: Annotated[TicketEntryOrder | None, Doc("The order; None: the oldest ones first.")] = None,
) -> Awaitable[list[Connection[TicketEntry]]]:
    """The messages, answers and notes of the ticket that the caller may see, the first message among them (S2)."""
    page = requested_page(info, first, after, last, before)
    return raw_client(info.context.clients.support).threads_of_tickets(
        [ticket.id for ticket in tickets], page, filter, order
    )


extend_type(
    Ticket,
    organisation,
    site,
    pickup,
    order,
    agreement,
    opened_by,
    assignee,
    thread,
    node=True,
    hidden=["by", "assigned_to"],
)
