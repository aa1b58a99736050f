"""A service on a real database, without its processes: tests call its use cases, reads and imports directly."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar, cast

import msgspec
from obstore.store import MemoryStore

from services.access import copy
from services.access.authorization import Authorization
from services.access.caller import Caller
from services.access.service_token import ServiceTokens
from services.chassis.db.postgres import Pool
from services.chassis.events.consume.handlers import handle_events
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.events.transaction import PostgresUnitOfWork, Transaction
from services.chassis.files.service_files import ServiceFiles
from services.chassis.files.store import FileStore
from services.chassis.ids import find_id, new_uuid, write_id
from services.chassis.imports.importer import FileImporter
from services.chassis.imports.runner import RunImport
from services.chassis.imports.stager import StageImport
from services.chassis.jobs.job import JobRun, RunAgain
from services.chassis.rpc.signature import camel_case, signatures
from services.chassis.runtime.settings import ServiceSettings
from services.contracts.declare import Event, event_type_named, event_type_of
from services.contracts.files import FileLink
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.identity.people import Language
from services.contracts.imports import BadRow, Import
from services.contracts.permission import Role, SubjectKind
from services.contracts.values import Page, Refusal
from services.hosting.blueprint import Blueprint
from tests.support.canned_service import CannedService
from tests.support.chunks import iterate_chunks
from tests.support.clock import TestClock

SERVICE_TOKEN = b'{"__typename":"ClientToken","accessToken":"abc","expiresIn":600,"scope":""}'

T = TypeVar("T", bound=Transaction)
P = TypeVar("P")


class ServiceHarness(Generic[T, P]):
    """Replacement of a process's ``ServiceRuntime``; other services give the responses that a test sets."""

    def __init__(self, blueprint: Blueprint[T, P], pool: Pool, clock: TestClock) -> None:
        self.blueprint = blueprint
        self.pool = pool
        self.clock = clock
        self.settings: ServiceSettings | None = None
        """Settings of the service, set by a test that needs them."""
        self.work: PostgresUnitOfWork[T] = PostgresUnitOfWork(pool, clock, blueprint.transaction)
        self.identity = CannedService("identity", clientToken=SERVICE_TOKEN)
        self.channels = {name: CannedService(name) for name in blueprint.calls}
        self.tokens = ServiceTokens(blueprint.name, "secret", self.identity, clock)

    @functools.cached_property
    def imports(self) -> FileImporter[T]:
        """The service's imports, with the settings at the time of the first use."""
        runtime: Any = self
        return FileImporter(self.blueprint.name, self.pool, self.work, self.blueprint.imports(runtime), self.files)

    @functools.cached_property
    def files(self) -> ServiceFiles:
        """The service's files, in memory."""
        return ServiceFiles(self.blueprint.name, self.pool, FileStore(MemoryStore()), bytes(32), self.clock)

    async def read_file(self, link: FileLink | None) -> str:
        """Return the content of a file by its link."""
        assert link is not None
        opened = await self.files.storage.open(self.files.tokens.verify(link.url.partition("?token=")[2]))
        return b"".join([chunk async for chunk in opened.chunks]).decode()

    def api(self, caller: Caller) -> P:
        """Return the service's API for this caller, which checks permissions as its routes do."""
        return cast(P, _AuthorizedApi(self, caller))

    @functools.cached_property
    def authorization(self) -> Authorization:
        """The check of the service's permissions."""
        return Authorization(self.blueprint.contract, self.blueprint.owners, self.pool, self.clock)

    @functools.cached_property
    def bind_api(self) -> Callable[[Caller], P]:
        """The API, bound once as in a process, with the settings at the time of the first use."""
        runtime: Any = self
        return self.blueprint.bind(runtime)

    async def receive(self, *events: Event) -> None:
        """Have the service handle events one by one, as its consumer would."""
        for event in events:
            await self.receive_batch(event)

    async def receive_batch(self, *events: Event) -> None:
        """Have the service handle events as one batch of its consumer."""
        runtime: Any = self
        async with self.work() as tx:
            await handle_events(self.blueprint.handlers(runtime), tx, [self._received(event) for event in events])

    def _received(self, event: Event) -> ReceivedEvent[Event]:
        kind = event_type_of(event)
        return ReceivedEvent(
            id=new_uuid(),
            type=kind,
            subject=getattr(event, kind.subject),
            organisation_id=getattr(event, "organisation_id", None),
            time=self.clock.now(),
            written_at=self.clock.now(),
            sequence=1,
            traceparent="",
            data=event,
        )

    async def emitted_events(self, kind: type[Event] | None = None) -> list[Any]:
        """Return the events that the service has emitted so far, in order."""
        rows = await self.pool.fetch("SELECT type, data FROM chassis.outbox ORDER BY position")
        decoded = []
        for row in rows:
            declared = event_type_named(row["type"])
            assert declared is not None
            decoded.append(msgspec.json.decode(row["data"], type=declared.struct))
        return [event for event in decoded if kind is None or isinstance(event, kind)]

    async def import_file(self, kind: str, text: str | bytes, *, dry_run: bool = False) -> tuple[Import, list[BadRow]]:
        """Upload a CSV text and import it, or run it dry; return the import and its bad rows."""
        data = text.encode() if isinstance(text, str) else text
        uploaded = await self.imports.upload(kind, f"{kind}.csv", iterate_chunks(data))
        await self.imports.start(uploaded.id, Language.EN, dry_run=dry_run)
        while True:
            (progress,) = await self.imports.queries.imports_by_id([uploaded.id])
            assert progress is not None
            if progress.state.final:
                break
            try:
                await self.run_import(uploaded.id)
            except RunAgain:
                # No event will arrive, so rows that wait for one are made to time out.
                await self.pool.execute("UPDATE chassis.imports SET rows_wait_since = '-infinity'")
        bad = await self.imports.queries.bad_rows(uploaded.id, Page(first=200), Language.EN)
        return progress, [edge.node for edge in bad.edges]

    async def run_import(self, text: str, stop: asyncio.Event | None = None) -> None:
        """Run the jobs of a started import once."""
        import_id = find_id(f"import_{self.blueprint.name}", text)
        assert import_id is not None
        await self.imports.stager.stage(StageImport(import_id=import_id), JobRun(1, asyncio.Event()))
        await self.imports.runner.run(RunImport(import_id=import_id), JobRun(1, stop or asyncio.Event()))

    async def caller(
        self,
        *grants: Grant,
        kind: SubjectKind = SubjectKind.USER,
        scopes: list[str] | None = None,
    ) -> Caller:
        """Make a caller with these grants in the service's copy of access."""
        prefix = "partner" if kind is SubjectKind.PARTNER else "user"
        subject = write_id(prefix, new_uuid())
        if kind is SubjectKind.STAFF and not grants:
            grants = (Grant(organisation_id=None, role=Role.ADMIN, billing=True),)
        access = AccessStated(
            subject_id=subject, kind=kind, version=1, active=True, scopes=scopes or [], grants=list(grants)
        )
        async with self.pool.acquire() as connection:
            await copy.upsert_access(connection, access)
        return Caller(subject_id=subject, kind=kind, scopes=frozenset(scopes or []), access_version=1)


class _AuthorizedApi:
    """A service's API for one caller."""

    def __init__(self, harness: ServiceHarness[Any, Any], caller: Caller) -> None:
        self._harness = harness
        self._caller = caller

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        harness, caller = self._harness, self._caller
        contract: Any = harness.blueprint.contract
        operation = signatures(contract)[camel_case(name)]

        async def call(*args: Any, **kwargs: Any) -> Any:
            harness.authorization.check_caller(caller, operation)
            bound = inspect.signature(operation.method).bind(None, *args, **kwargs).arguments
            arguments = operation.arguments(**{name: value for name, value in bound.items() if name != "self"})
            permitted = await harness.authorization.check_things(caller, operation, arguments)
            if isinstance(permitted, Refusal):
                return permitted
            return await getattr(harness.bind_api(permitted), name)(*args, **kwargs)

        return call
