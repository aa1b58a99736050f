"""Batch loader: collects the calls of an executor that resolves parent by parent into batches."""

import asyncio
import functools
from collections.abc import Hashable
from typing import Any

import strawberry
from graphql import FieldNode

from gateway.execution.compat import raw_info
from gateway.execution.planning.batch_resolver import BatchResolver
from gateway.execution.planning.selected_fields import collect_field_names


class _PendingBatch:
    """The parents of one field with the same arguments, for one call."""

    def __init__(self, batch: BatchResolver, info: strawberry.Info[Any, Any], arguments: dict[str, Any]) -> None:
        self.batch = batch
        self.info = info
        self.arguments = arguments
        self.parents: list[Any] = []
        self.nodes: dict[int, FieldNode] = {}
        self.futures: list[asyncio.Future[Any]] = []

    async def run(self) -> None:
        arguments = dict(self.arguments)
        if self.batch.takes_selected_fields:
            arguments["fields"] = sorted(collect_field_names(self.nodes.values(), raw_info(self.info).fragments))
        try:
            result: Any = await self.batch.resolve(self.parents, self.info, **arguments)
        except Exception as error:
            result = error
        values = self.batch.values_per_parent(result, len(self.parents))
        for future, value in zip(self.futures, values, strict=True):
            if future.cancelled():
                continue
            if isinstance(value, Exception):
                future.set_exception(value)
            else:
                future.set_result(value)

    def cancel_if_abandoned(self, task: asyncio.Task[None], _: asyncio.Future[Any]) -> None:
        """Cancel the call once all its futures are cancelled."""
        if all(future.cancelled() for future in self.futures):
            task.cancel()


class BatchLoader:
    """The batches of one request. Results are not cached."""

    def __init__(self) -> None:
        self._pending: dict[tuple[BatchResolver, Hashable], _PendingBatch] = {}
        self._running: set[asyncio.Task[None]] = set()

    def load(
        self, batch: BatchResolver, parent: Any, info: strawberry.Info[Any, Any], arguments: dict[str, Any]
    ) -> asyncio.Future[Any]:
        """Return the value of one parent, loaded in one call with its neighbours' (``SupportsBatchLoading``)."""
        loop = asyncio.get_running_loop()
        if not self._pending:
            # The executor resolves all parents of a level in one step of the loop, before this callback runs.
            loop.call_soon(self._dispatch_pending)
        key = (batch, _hashable(arguments))
        pending = self._pending.setdefault(key, _PendingBatch(batch, info, arguments))
        future: asyncio.Future[Any] = loop.create_future()
        pending.parents.append(parent)
        pending.futures.append(future)
        pending.nodes.update((id(node), node) for node in raw_info(info).field_nodes)
        return future

    def _dispatch_pending(self) -> None:
        batches, self._pending = self._pending, {}
        for pending in batches.values():
            task = asyncio.get_running_loop().create_task(pending.run())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            for future in pending.futures:
                future.add_done_callback(functools.partial(pending.cancel_if_abandoned, task))


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple((name, _hashable(item)) for name, item in sorted(value.items()))
    if isinstance(value, list):
        return tuple(_hashable(item) for item in value)
    hashable: Hashable = value
    return hashable
