"""Loaders of things by their ids, for the fields that lead from one thing to another."""

from collections.abc import Sequence

from gateway.context import Context
from gateway.schema.fields import filter_struct_fields, load_many
from services.contracts.identity.actors import Actor
from services.contracts.identity.organisations import Organisation
from services.contracts.identity.people import Me
from services.contracts.orders.agreements import Agreement
from services.contracts.orders.articles import Article
from services.contracts.orders.orders import Order
from services.contracts.orders.pickups import Pickup
from services.contracts.sites import Container, Site
from services.contracts.support.tickets import Ticket


async def load_organisations(context: Context, ids: Sequence[str | None]) -> list[Organisation | None]:
    """Return the organisations with these ids; None for None, and for one that the caller may not see."""
    return await load_many(ids, context.clients.identity.organisations_by_id)


async def load_actors(context: Context, ids: Sequence[str | None]) -> list[Actor | None]:
    """Return the users and partners with these ids; None for None, and for one who is not known any more."""
    return await load_many(ids, context.clients.identity.actors)


async def load_users(context: Context, ids: Sequence[str]) -> list[Me | None]:
    """Return the caller for their own id; None for any other."""
    me = await context.clients.identity.me()
    return [me if me is not None and one == me.id else None for one in ids]


async def load_sites(context: Context, ids: Sequence[str | None], fields: Sequence[str]) -> list[Site | None]:
    """Return the sites with these ids, with selected fields only; None for None, and for one that is not shown."""
    own = filter_struct_fields(Site, fields)
    return await load_many(ids, lambda distinct: context.clients.sites.sites_by_id(distinct, own))


async def load_containers(context: Context, ids: Sequence[str]) -> list[Container | None]:
    """Return the containers with these ids; None for one that the caller may not see."""
    return await load_many(ids, context.clients.sites.containers_by_id)


async def load_articles(context: Context, ids: Sequence[str | None]) -> list[Article | None]:
    """Return the articles with these ids; None for None, and for one that does not exist."""
    return await load_many(ids, context.clients.orders.articles_by_id)


async def load_agreements(context: Context, ids: Sequence[str | None]) -> list[Agreement | None]:
    """Return the agreements with these ids; None for None, and for one that the caller may not see."""
    return await load_many(ids, context.clients.orders.agreements_by_id)


async def load_pickups(context: Context, ids: Sequence[str | None]) -> list[Pickup | None]:
    """Return the pickups with these ids; None for None, and for one that the caller may not see."""
    return await load_many(ids, context.clients.orders.pickups_by_id)


async def load_orders(context: Context, ids: Sequence[str | None]) -> list[Order | None]:
    """Return the orders with these ids; None for None, and for one that the caller may not see."""
    return await load_many(ids, context.clients.orders.orders_by_id)


async def load_tickets(context: Context, ids: Sequence[str | None]) -> list[Ticket | None]:
    """Return the tickets with these ids; None for None, and for one that the caller may not see."""
    return await load_many(ids, context.clients.support.tickets_by_id)
