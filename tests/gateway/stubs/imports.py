"""A stub of the imports of a service."""

import datetime as dt

import msgspec

from services.contracts.bulk_operations import BulkOperationState, BulkProgress
from services.contracts.files import FileLink
from services.contracts.imports import (
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
from services.contracts.values import Connection, Page, Refusal, refuse
from tests.gateway.stubs.samples import NOW, USER, page_of


class ImportStub:
    """The operations of every service with imports."""

    service = ""
    progress = BulkProgress(
        operation_id="", state=BulkOperationState.DONE, total=3, done=3, succeeded=2, failed=1, finished_at=NOW
    )
    """The progress of every import."""

    async def start_import(self, id: str, dry_run: bool = False) -> ImportStarted | Refusal:
        return ImportStarted(imported=self._import(id, dry_run))

    async def cancel_import(self, id: str) -> BulkOperationCancelled | Refusal:
        if self.progress.state.final and self.progress.state is not BulkOperationState.CANCELLED:
            return refuse("ALREADY_ENDED", "id")
        self.progress = msgspec.structs.replace(self.progress, state=BulkOperationState.CANCELLED)
        return BulkOperationCancelled(imported=self._import(id))

    async def import_progress(self, ids: list[str]) -> list[BulkProgress | None]:
        return [msgspec.structs.replace(self.progress, operation_id=one) for one in ids]

    async def imports(
        self, kind: ImportFileKind, page: Page, filter: ImportFilter | None = None, order: ImportOrder | None = None
    ) -> Connection[Import]:
        return page_of([self._import(f"import_{self.service}_{number}") for number in range(3)], page)

    async def imports_by_id(self, ids: list[str]) -> list[Import | None]:
        return [self._import(one) for one in ids]

    async def bad_rows(
        self, id: str, page: Page, filter: BadRowFilter | None = None, order: BadRowOrder | None = None
    ) -> Connection[BadRow]:
        row = BadRow(file="sites.csv", line=3, field="litres", code="MALFORMED", reason="Expected `int`, got `str`")
        return page_of([row], page)

    def _import(self, id: str, dry_run: bool = False) -> Import:
        return Import(
            id=id,
            kind="sites",
            file_name="sites.csv",
            state=self.progress.state,
            dry_run=dry_run,
            total=self.progress.total,
            done=self.progress.done,
            succeeded=self.progress.succeeded,
            added=self.progress.succeeded,
            changed=0,
            unchanged=0,
            failed=self.progress.failed,
            started_at=NOW,
            finished_at=self.progress.finished_at,
            starter_id=USER,
            bad_rows_file=FileLink(
                name="sites-bad-rows.csv",
                size=40,
                url=f"/files/{self.service}/file_1?token=of+{self.service}",
                expires_at=dt.datetime(2026, 3, 4, 8, 5, tzinfo=dt.UTC),
            ),
        )
