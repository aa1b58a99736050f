"""Lookup of objects by their global ids, whose prefix determines the service."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from gateway.context import Context
from gateway.execution.cost.directives import ListSize
from gateway.schema.contract_types import Node
from gateway.schema.fields import SERVICE_CALL_WEIGHT, Info, load_many, selected_field_names, typed_field
from gateway.schema.imports.owners import ID_PREFIX
from gateway.schema.loaders import load_sites, load_users
from services.contracts.imports import OWNER_BY_KIND
from services.contracts.values import Doc, Id

NodeLoader = Callable[[Context, list[str], Sequence[str]], Awaitable[Sequence[Any]]]


def _import_loader(service: str) -> NodeLoader:
    return lambda context, ids, _: context.clients.importing(service).imports_by_id(ids)


NODE_LOADERS: dict[str, NodeLoader] = {
    "org": lambda context, ids, _: context.clients.identity.organisations_by_id(ids),
    "user": lambda context, ids, _: load_users(context, ids),
    "member": lambda context, ids, _: context.clients.identity.members_by_id(ids),
    "invitation": lambda context, ids, _: context.clients.identity.invitations_by_id(ids),
    "partner": lambda context, ids, _: context.clients.identity.partners_by_id(ids),
    "site": load_sites,
    "container": lambda context, ids, _: context.clients.sites.containers_by_id(ids),
    "article": lambda context, ids, _: context.clients.orders.articles_by_id(ids),
    "agreement": lambda context, ids, _: context.clients.orders.agreements_by_id(ids),
    "order": lambda context, ids, _: context.clients.orders.orders_by_id(ids),
    "pickup": lambda context, ids, _: context.clients.orders.pickups_by_id(ids),
    "entry": lambda context, ids, _: context.clients.support.ticket_entries_by_id(ids),
    "held": lambda context, ids, _: context.clients.support.held_messages_by_id(ids),
    "suppression": lambda context, ids, _: context.clients.support.mail_suppressions_by_id(ids),
    "ticket": lambda context, ids, _: context.clients.support.tickets_by_id(ids),
    **{f"{ID_PREFIX}{service}": _import_loader(service) for service in sorted(set(OWNER_BY_KIND.values()))},
}
"""Loaders by the prefix of the ids."""


async def load_nodes(context: Context, ids: Sequence[str], fields: Sequence[str]) -> list[Any]:
    """Return the objects with these ids, in this order; None for one that does not exist or the caller may not see."""
    by_prefix: dict[str, list[str]] = {}
    for global_id in ids:
        by_prefix.setdefault(global_id.rpartition("_")[0], []).append(global_id)
    known = {prefix: group for prefix, group in by_prefix.items() if prefix in NODE_LOADERS}

    async def load_group(prefix: str, group: list[str]) -> list[Any]:
        return await load_many(group, lambda distinct: NODE_LOADERS[prefix](context, distinct, fields))

    results = await asyncio.gather(*(load_group(prefix, group) for prefix, group in known.items()))
    objects = {
        global_id: value
        for group, values in zip(known.values(), results, strict=True)
        for global_id, value in zip(group, values, strict=True)
    }
    return [objects.get(global_id) for global_id in ids]


@typed_field(Node | None, weight=SERVICE_CALL_WEIGHT)
async def node(info: Info, id: Annotated[Id, Doc("The global id.")]) -> Any:
    """The object with a global id; null if it does not exist or the caller may not see it."""
    (found,) = await load_nodes(info.context, [id], selected_field_names(info))
    return found


@typed_field(list[Node | None] | None, weight=SERVICE_CALL_WEIGHT, size=ListSize(slicing_arguments=["ids"]))
async def nodes(info: Info, ids: Annotated[list[Id], Doc("The global ids.")]) -> Any:
    """The objects with these global ids, in this order; null for one that does not exist or the caller may not see."""
    return await load_nodes(info.context, ids, selected_field_names(info))
