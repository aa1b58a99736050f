"""The end of an import: its last state, and the file of its bad rows."""

import datetime as dt
import uuid
from pathlib import PurePath

from services.chassis.db.postgres import Pool, Row
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.chassis.files.file_rows import FileRow
from services.chassis.files.media_type import MediaType
from services.chassis.files.service_files import ServiceFiles
from services.chassis.ids import write_id
from services.chassis.imports import bad_rows
from services.chassis.telemetry.logging import logger
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.people import Language
from services.contracts.imports import MAX_BAD_ROWS_BYTES

_log = logger(__name__)

FILE_RETENTION = dt.timedelta(days=30)
"""As long as an import and its bad rows are kept."""
_TO_END = "SELECT file_name, failed, language FROM chassis.imports WHERE id = $1 AND state = 'RUNNING'"
_END = """
    UPDATE chassis.imports SET state = $2, bad_rows_file_id = $3, finished_at = clock_timestamp()
    WHERE id = $1 AND state = 'RUNNING' RETURNING started_by
"""
_MAX_STEM_LENGTH = 180
"""Characters of an uploaded file's name at most in the name of the file of its bad rows."""


class ImportFinisher:
    """Finisher of the imports of one service; ``prefix`` is that of their ids."""

    def __init__(self, prefix: str, pool: Pool, work: UnitOfWork[Transaction], files: ServiceFiles) -> None:
        self._prefix = prefix
        self._pool = pool
        self._work = work
        self._files = files

    async def finish(self, import_id: uuid.UUID, state: BulkOperationState) -> None:
        """End an import. The file of its bad rows is written before, and kept with the import's new state.

        A run that ends here leaves a pending file, and the next one writes another.
        """
        owner = write_id(self._prefix, import_id)
        found = await self._pool.fetchrow(_TO_END, import_id)
        if found is None:
            return
        file = await self._write_bad_rows(import_id, owner, found) if found["failed"] else None
        async with self._work() as tx:
            ended = await tx.connection.fetchrow(_END, import_id, state.value, file.id if file else None)
            if ended and file:
                await tx.keep_file(file.id, owner=owner, expires_at=tx.now + FILE_RETENTION)
            if ended and ended["started_by"] and tx.import_event:
                tx.emit(tx.import_event(import_id=owner, state=state, starter_id=ended["started_by"]))
        if ended:
            _log.info("import ended", id=owner, state=state.value)

    async def fail(self, import_id: uuid.UUID) -> None:
        """End an import because of the error that is handled, which is logged."""
        _log.exception("import failed", id=write_id(self._prefix, import_id))
        await self.finish(import_id, BulkOperationState.FAILED)

    async def _write_bad_rows(self, import_id: uuid.UUID, owner: str, found: Row) -> FileRow:
        stem = PurePath(found["file_name"]).stem[:_MAX_STEM_LENGTH]
        return await self._files.uploads.begin_upload(
            bad_rows.csv_of(self._pool, import_id, Language(found["language"])),
            owner=owner,
            name=f"{stem}-bad-rows.csv",
            accepted={MediaType.CSV},
            max_bytes=MAX_BAD_ROWS_BYTES,
            any_text=True,
        )
