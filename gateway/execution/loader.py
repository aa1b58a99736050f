"""Executes batch fields on an executor that goes parent by parent: neighbours are gathered, and asked for together."""

import asyncio
import functools
from collections.abc import Hashable
from typing import Any

import strawberry
from graphql import FieldNode

from gateway.execution.batch import Batch
from gateway.execution.selection import selected


class _Gathering:
    """Parents of one field with the same arguments, on their way into one call."""

    def __init__(self, batch: Batch, info: strawberry.Info[Any, Any], arguments: dict[str, Any]) -> None:
        self.batch = batch
        self.info = info
        self.arguments = arguments
        self.parents: list[Any] = []
        self.nodes: dict[int, FieldNode] = {}
        self.values: list[asyncio.Future[Any]] = []

    async def run(self) -> None:
        arguments = dict(self.arguments)
        if self.batch.wants_fields:
            arguments["fields"] = sorted(selected(self.nodes.values(), self.info._raw_info.fragments))
        try:
            answered: Any = await self.batch.values(self.parents, self.info, **arguments)
        except Exception as error:
            answered = error
        values = self.batch.each_of(answered, len(self.parents))
        for waiting, value in zip(self.values, values, strict=True):
            if waiting.cancelled():
                continue
            if isinstance(value, Exception):
                waiting.set_exception(value)
            else:
                waiting.set_result(value)

    def given_up(self, task: asyncio.Task[None], _: asyncio.Future[Any]) -> None:
        """Nobody asks in vain: once all who waited are gone, the call is given up."""
        if all(value.cancelled() for value in self.values):
            task.cancel()


class Loader:
    """The batches of one request. Nothing is kept beyond a call: what was read is never given twice."""

    def __init__(self) -> None:
        self._gathering: dict[tuple[Batch, Hashable], _Gathering] = {}
        self._running: set[asyncio.Task[None]] = set()

    def load(
        self, batch: Batch, parent: Any, info: strawberry.Info[Any, Any], arguments: dict[str, Any]
    ) -> asyncio.Future[Any]:
        """The value of one parent; see ``gateway.execution.batch.Loads``."""
        loop = asyncio.get_running_loop()
        if not self._gathering:
            # The parents of a level are resolved in one go: by the time this runs, all of them have asked.
            loop.call_soon(self._ask)
        key = (batch, _hashable(arguments))
        gathering = self._gathering.setdefault(key, _Gathering(batch, info, arguments))
        value: asyncio.Future[Any] = loop.create_future()
        gathering.parents.append(parent)
        gathering.values.append(value)
        gathering.nodes.update((id(node), node) for node in info._raw_info.field_nodes)
        return value

    def _ask(self) -> None:
        gathered, self._gathering = self._gathering, {}
        for gathering in gathered.values():
            task = asyncio.get_running_loop().create_task(gathering.run())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            for value in gathering.values:
                value.add_done_callback(functools.partial(gathering.given_up, task))


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple((name, _hashable(one)) for name, one in sorted(value.items()))
    if isinstance(value, list):
        return tuple(_hashable(one) for one in value)
    hashable: Hashable = value
    return hashable
