"""The operations on imports and the purposes of their uploads, the same in every service with imports."""

import functools
from collections.abc import AsyncIterator
from typing import Any

from services.access.caller import Caller
from services.chassis.imports.importer import FileImporter
from services.contracts.bulk_operations import BulkProgress
from services.contracts.imports import (
    FILE_TYPE,
    UPLOAD_PREFIX,
    BadRow,
    BadRowFilter,
    BadRowOrder,
    BulkOperationCancelled,
    Import,
    ImportFileKind,
    ImportFilter,
    ImportOrder,
    ImportStarted,
)
from services.contracts.permission import STAFF
from services.contracts.values import Connection, Id, Page, Refusal
from services.hosting.file_resource import UploadPurpose


class ImportsApi:
    """``services.contracts.imports.Importing`` for one caller."""

    def __init__(self, imports: FileImporter[Any], caller: Caller) -> None:
        self._imports = imports
        self._caller = caller

    async def start_import(self, id: Id, dry_run: bool = False) -> ImportStarted | Refusal:
        return await self._imports.start(id, self._caller.language, dry_run=dry_run, started_by=self._caller.subject_id)

    async def cancel_import(self, id: Id) -> BulkOperationCancelled | Refusal:
        return await self._imports.cancel(id)

    async def import_progress(self, ids: list[Id]) -> list[BulkProgress | None]:
        return await self._imports.queries.progress(ids)

    async def imports(
        self, kind: ImportFileKind, page: Page, filter: ImportFilter | None = None, order: ImportOrder | None = None
    ) -> Connection[Import]:
        return await self._imports.queries.imports(kind.value.lower(), page, filter, order)

    async def imports_by_id(self, ids: list[Id]) -> list[Import | None]:
        return await self._imports.queries.imports_by_id(ids)

    async def bad_rows(
        self, id: Id, page: Page, filter: BadRowFilter | None = None, order: BadRowOrder | None = None
    ) -> Connection[BadRow]:
        return await self._imports.queries.bad_rows(id, page, self._caller.language, filter, order)


def import_purposes(imports: FileImporter[Any]) -> dict[str, UploadPurpose]:
    """Return a purpose for each kind of file: its upload is an import that can be started."""

    async def receive(kind: str, caller: Caller, name: str, content: AsyncIterator[bytes]) -> Import:
        return await imports.upload(kind, name, content)

    return {
        f"{UPLOAD_PREFIX}{kind}": UploadPurpose(
            permission=STAFF, media_types=[FILE_TYPE], receive=functools.partial(receive, kind)
        )
        for kind in imports.kinds
    }
