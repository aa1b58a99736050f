"""Imports, fetched from their services when a message tells of them."""

from collections.abc import Mapping

import msgspec

from services.access.service_token import ServiceTokens
from services.chassis.problems import NotReadyYet
from services.chassis.rpc.channel import CallFailed, ServiceChannel
from services.chassis.rpc.client import client
from services.contracts.imports import Import, Importing
from services.contracts.values import Id


class ServiceImports:
    """Implements ``usecases.ports.imports.Imports``; an import's id names its service (``import_<service>_...``)."""

    def __init__(self, channels: Mapping[str, ServiceChannel], tokens: ServiceTokens) -> None:
        self._channels = channels
        self._tokens = tokens

    async def find(self, import_id: Id) -> Import | None:
        channel = self._channels[import_id.split("_")[1]]
        try:
            (found,) = await client(Importing, channel, await self._tokens.headers()).imports_by_id([import_id])
        except (CallFailed, msgspec.DecodeError) as error:
            raise NotReadyYet("a service did not answer with an import") from error
        return found
