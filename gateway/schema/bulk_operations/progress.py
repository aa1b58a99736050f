"""Subscription bulkOperation."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

from gateway.schema.fields import Info, subscription
from gateway.schema.nodes import load_nodes
from services.chassis.problems import Unauthenticated
from services.contracts.bulk_operations import BulkOperation, BulkProgress
from services.contracts.values import Doc, Id


@subscription()
async def bulk_operation(
    info: Info, id: Annotated[Id, Doc("The global id of the bulk operation.")]
) -> AsyncIterator[BulkProgress | None]:
    """The progress of a bulk operation: now, and after each change, once a second at most, until its state is final.

    To resume, subscribe again: the first item is the progress at that time. An operation that does not exist, or that
    the caller may not see, is a single null.
    """
    context = info.context
    caller = context.caller
    if caller is None:
        raise Unauthenticated
    authenticator = context.dependencies.authenticator
    judged: dict[int, bool] = {}

    async def may_see() -> bool:
        """Return whether the caller sees the operation, read once for each version of the caller's access."""
        if authenticator.access_ended(caller):
            raise Unauthenticated
        newest = authenticator.recent_access(caller.subject_id)
        version = newest.version if newest else 0
        if version not in judged:
            (found,) = await load_nodes(context, [id], ["id"])
            judged[version] = isinstance(found, BulkOperation)
        return judged[version]

    async with contextlib.aclosing(context.dependencies.bulk_progress.follow(id, may_see)) as items:
        async for item in items:
            yield item
