"""Everything with a global id: the id's prefix says whose it is."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gateway.context import Context
from gateway.execution.cost_directives import ListSize
from gateway.schema.contract_types import Node
from gateway.schema.declare import A_CALL, Info, each, plain_field, selected_of
from gateway.schema.imports.owners import OWNERS, PREFIX
from gateway.schema.sites.look_up import look_up_sites
from services.contracts.values import Id

LookUp = Callable[[Context, list[str], Sequence[str]], Awaitable[Sequence[Any]]]


def _imports(service: str) -> LookUp:
    return lambda context, ids, _: context.importing(service).imports(ids)


LOOK_UPS: dict[str, LookUp] = {
    "org": lambda context, ids, _: context.identity.organisations(ids),
    "site": look_up_sites,
    "agreement": lambda context, ids, _: context.orders.agreements_by_id(ids),
    "order": lambda context, ids, _: context.orders.orders_by_id(ids),
    "ticket": lambda context, ids, _: context.support.tickets_by_id(ids),
    **{f"{PREFIX}{service}": _imports(service) for service in sorted(set(OWNERS.values()))},
}
"""How things are found by id, by its prefix."""


async def look_up(context: Context, ids: Sequence[str], fields: Sequence[str]) -> list[Any]:
    """What has these ids, in their order; None for what is not there or out of the caller's reach."""
    by_prefix: dict[str, list[str]] = {}
    for one in ids:
        by_prefix.setdefault(one.rpartition("_")[0], []).append(one)
    known = {prefix: own for prefix, own in by_prefix.items() if prefix in LOOK_UPS}

    async def found_of(prefix: str, own: list[str]) -> list[Any]:
        return await each(own, lambda different: LOOK_UPS[prefix](context, different, fields))

    answers = await asyncio.gather(*(found_of(prefix, own) for prefix, own in known.items()))
    found = {
        one: value
        for own, values in zip(known.values(), answers, strict=True)
        for one, value in zip(own, values, strict=True)
    }
    return [found.get(one) for one in ids]


@plain_field(Node | None, weight=A_CALL)
async def node(info: Info, id: Id) -> Any:
    """Anything with a global id; null if it is not there or out of the caller's reach."""
    (found,) = await look_up(info.context, [id], selected_of(info))
    return found


@plain_field(list[Node | None] | None, weight=A_CALL, size=ListSize(slicing_arguments=["ids"]))
async def nodes(info: Info, ids: list[Id]) -> Any:
    """Several things with global ids, in their order."""
    return await look_up(info.context, ids, selected_of(info))
