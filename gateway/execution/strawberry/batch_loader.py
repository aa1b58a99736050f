"""Executes batch fields on an executor that goes parent by parent: neighbours are gathered, and asked for together."""

import asyncio
import functools
from collections.abc import Hashable
from typing import Any

import strawberry
from graphql import FieldNode

from gateway.execution.planning.batch_resolver import BatchResolver
from gateway.execution.planning.selected_fields import collect_field_names


class _PendingBatch:
    """Parents of one field with the same arguments, on their way into one call."""

    def __init__(self, batch: BatchResolver, info: strawberry.Info[Any, Any], arguments: dict[str, Any]) -> None:
        self.batch = batch
        self.info = info
        self.arguments = arguments
        self.parents: list[Any] = []
        self.nodes: dict[int, FieldNode] = {}
        self.values: list[asyncio.Future[Any]] = []

    async def run(self) -> None:
        arguments = dict(self.arguments)
        if self.batch.takes_selected_fields:
            arguments["fields"] = sorted(collect_field_names(self.nodes.values(), self.info._raw_info.fragments))
        try:
            answered: Any = await self.batch.values(self.parents, self.info, **arguments)
        except Exception as error:
            answered = error
        values = self.batch.values_per_parent(answered, len(self.parents))
        for waiting, value in zip(self.values, values, strict=True):
            if waiting.cancelled():
                continue
            if isinstance(value, Exception):
                waiting.set_exception(value)
            else:
                waiting.set_result(value)

    def cancel_if_abandoned(self, task: asyncio.Task[None], _: asyncio.Future[Any]) -> None:
        """Nobody asks in vain: once all who waited are gone, the call is given up."""
        if all(value.cancelled() for value in self.values):
            task.cancel()


class BatchLoader:
    """The batches of one request. Nothing is kept beyond a call: what was read is never given twice."""

    def __init__(self) -> None:
        self._pending: dict[tuple[BatchResolver, Hashable], _PendingBatch] = {}
        self._running: set[asyncio.Task[None]] = set()

    def load(
        self, batch: BatchResolver, parent: Any, info: strawberry.Info[Any, Any], arguments: dict[str, Any]
    ) -> asyncio.Future[Any]:
        """The value of one parent; see ``gateway.execution.planning.batch_resolver.Loads``."""
        loop = asyncio.get_running_loop()
        if not self._pending:
            # The parents of a level are resolved in one go: by the time this runs, all of them have asked.
            loop.call_soon(self._dispatch_pending)
        key = (batch, _hashable(arguments))
        gathering = self._pending.setdefault(key, _PendingBatch(batch, info, arguments))
        value: asyncio.Future[Any] = loop.create_future()
        gathering.parents.append(parent)
        gathering.values.append(value)
        gathering.nodes.update((id(node), node) for node in info._raw_info.field_nodes)
        return value

    def _dispatch_pending(self) -> None:
        gathered, self._pending = self._pending, {}
        for gathering in gathered.values():
            task = asyncio.get_running_loop().create_task(gathering.run())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            for value in gathering.values:
                value.add_done_callback(functools.partial(gathering.cancel_if_abandoned, task))


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple((name, _hashable(one)) for name, one in sorted(value.items()))
    if isinstance(value, list):
        return tuple(_hashable(one) for one in value)
    hashable: Hashable = value
    return hashable
