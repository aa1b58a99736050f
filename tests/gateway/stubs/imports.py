"""A stub of the imports of a service."""

import datetime as dt

from services.contracts.files import FileLink
from services.contracts.imports import BadRow, Import, ImportStarted, ImportState
from services.contracts.values import Connection, Page, Refusal
from tests.gateway.stubs.samples import page_of


class ImportStub:
    """The operations of every service with imports."""

    service = ""

    async def start_import(self, id: str, dry_run: bool = False) -> ImportStarted | Refusal:
        return ImportStarted(imported=self._import(id, dry_run))

    async def imports(self, ids: list[str]) -> list[Import | None]:
        return [self._import(one) for one in ids]

    async def bad_rows(self, id: str, page: Page) -> Connection[BadRow]:
        row = BadRow(file="sites.csv", line=3, field="litres", code="MALFORMED", reason="Expected `int`, got `str`")
        return page_of([row], page)

    def _import(self, id: str, dry_run: bool = False) -> Import:
        return Import(
            id=id,
            kind="sites",
            file_name="sites.csv",
            state=ImportState.DONE,
            dry_run=dry_run,
            total=3,
            done=3,
            added=2,
            changed=0,
            unchanged=0,
            failed=1,
            bad_rows_file=FileLink(
                name="sites-bad-rows.csv",
                size=40,
                url=f"/files/{self.service}/file_1?token=of+{self.service}",
                expires_at=dt.datetime(2026, 3, 4, 8, 5, tzinfo=dt.UTC),
            ),
        )
