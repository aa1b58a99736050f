"""A service with rows of two organisations, and an example of each of its operations."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec

from services.chassis.db.postgres import Pool
from services.chassis.ids import read_id
from services.chassis.imports.stager import StageImport
from services.chassis.jobs.job import JobRun
from services.contracts.identity.people import Language
from services.contracts.permission import SubjectKind
from services.hosting.blueprint import Blueprint
from tests.component.permission.callers import ACCESS, ORG_A, SITE_A, CallerCase, ServiceEndpoint, serve_service
from tests.component.permission.walk import Example, Ids
from tests.support.chunks import iterate_chunks
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase

STAFF = [who for who in ACCESS if ACCESS[who][0] is SubjectKind.STAFF]


async def _no_secrets(endpoint: ServiceEndpoint) -> dict[str, Example]:
    return {}


class WalkedService(msgspec.Struct, frozen=True, kw_only=True):
    """A service, with the rows and examples of its permission walk."""

    blueprint: Blueprint[Any, Any]
    insert_rows: Callable[[Pool], Awaitable[None]]
    """Inserts rows of both organisations."""
    examples: Mapping[str, Example]
    """Examples of the operations, without those on imports."""
    examples_with_secrets: Callable[[ServiceEndpoint], Awaitable[dict[str, Example]]] = _no_secrets
    """Makes the examples of operations that need what others returned."""
    own: Ids = {}
    """The ids of organisation A's things, beside itself and its site A."""
    responses: Mapping[str, Mapping[str, bytes]] = {}
    """The responses of other services, by service and operation."""
    foreign: Collection[str]
    """Texts that belong to organisation B."""

    @property
    def ids(self) -> Ids:
        """The ids of organisation A and its things."""
        return {"org": ORG_A, "site": SITE_A, **self.own}

    @contextlib.asynccontextmanager
    async def serve(
        self,
        make_database: MakeDatabase,
        open_pool: Callable[[str], Awaitable[Pool]],
        clock: TestClock,
        folder: Path,
    ) -> AsyncIterator[tuple[ServiceEndpoint, dict[str, Example]]]:
        """Serve the service on a database of its own, with all examples."""
        url = await make_database(self.blueprint)
        pool = await open_pool(url)
        await self.insert_rows(pool)
        async with serve_service(self.blueprint, url, pool, clock, folder, self.responses) as endpoint:
            made = await self.examples_with_secrets(endpoint)
            has_imports = self.blueprint.has_files and endpoint.runtime.imports.kinds
            of_imports = await _import_examples(endpoint) if has_imports else {}
            yield endpoint, {**self.examples, **made, **of_imports}


async def _import_examples(endpoint: ServiceEndpoint) -> dict[str, Example]:
    """Start the import of a file with two bad rows and return its examples."""
    imports = endpoint.runtime.imports
    kind = next(iter(imports.kinds.values()))
    header = ",".join(kind.row.__struct_fields__)
    content = iterate_chunks(f"{header}\none cell\nagain\n".encode())
    started = await imports.upload(kind.name, "bad.csv", content)
    await imports.start(started.id, Language.EN)
    job = StageImport(import_id=read_id(started.id.rpartition("_")[0], started.id))
    await imports.stager.stage(job, JobRun(1, asyncio.Event()))

    def of_one(who: CallerCase, ids: Ids) -> dict[str, Any]:
        return {"id": started.id}

    return {
        "startImport": Example(arguments=of_one, shows=["ImportStarted"], seen_by=STAFF),
        "cancelImport": Example(arguments=of_one, shows=["BulkOperationCancelled"], seen_by=STAFF),
        "importProgress": Example(arguments=lambda who, ids: {"ids": [started.id]}, shows=[started.id], seen_by=STAFF),
        "imports": Example(
            arguments=lambda who, ids: {"kind": kind.name.upper(), "page": {}}, shows=[started.id], seen_by=STAFF
        ),
        "importsById": Example(
            arguments=lambda who, ids: {"ids": [started.id]}, shows=[started.id], seen_by=[*STAFF, CallerCase.SERVICE]
        ),
        "badRows": Example(
            arguments=lambda who, ids: {"id": started.id, "page": {}}, shows=["WRONG_CELL_COUNT"], seen_by=STAFF
        ),
    }
