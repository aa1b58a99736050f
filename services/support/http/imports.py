"""Imports, fetched from their services when a message tells of them."""

from collections.abc import Mapping

from services.access.service_token import ServiceTokens
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.contracts.imports import Import, Importing
from services.contracts.values import Id
from services.support.http.owners import answered_by


class ServiceImports:
    """Implements ``usecases.ports.imports.Imports``; an import's id names its service (``import_<service>_...``)."""

    def __init__(self, channels: Mapping[str, ServiceChannel], tokens: ServiceTokens) -> None:
        self._channels = channels
        self._tokens = tokens

    async def find(self, import_id: Id) -> Import | None:
        service = import_id.split("_")[1]
        with answered_by(service):
            (found,) = await client(Importing, self._channels[service], await self._tokens.headers()).imports_by_id(
                [import_id]
            )
        return found
