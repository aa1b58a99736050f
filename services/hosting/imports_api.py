"""The operations on imports, the same in every service with imports."""

from typing import Any

from services.access.caller import Caller
from services.chassis.imports.importer import FileImporter
from services.contracts.imports import BadRow, Import, ImportStarted
from services.contracts.values import Connection, Id, Page, Refusal


class ImportsApi:
    """``services.contracts.imports.Importing`` for one caller."""

    def __init__(self, imports: FileImporter[Any], caller: Caller) -> None:
        self._imports = imports
        self._caller = caller

    async def start_import(self, id: Id, dry_run: bool = False) -> ImportStarted | Refusal:
        return await self._imports.start(id, dry_run=dry_run)

    async def imports(self, ids: list[Id]) -> list[Import | None]:
        return await self._imports.imports(ids)

    async def bad_rows(self, id: Id, page: Page) -> Connection[BadRow]:
        return await self._imports.bad_rows(id, page, self._caller.language)
