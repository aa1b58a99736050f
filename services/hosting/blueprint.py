"""The blueprint of a service, and the runtime that its processes share."""

import base64
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from starlette.routing import BaseRoute

from services.access.authentication import CallerAuthenticator
from services.access.authorization import ThingOwner
from services.access.caller import Caller
from services.access.service_token import ServiceTokens
from services.chassis.auth.sealed.key_ring import InvalidKeyRing
from services.chassis.auth.sealed.key_ring_reader import KeyRingReader
from services.chassis.auth.sealed.sealed_value import SealedColumn
from services.chassis.db.notifier import CommitNotifier
from services.chassis.db.postgres import DatabaseConnection, Pool
from services.chassis.db.sensitive import SensitiveTable
from services.chassis.db.sensitive_tables import CHASSIS_SENSITIVE
from services.chassis.events import outbox
from services.chassis.events.consume.handlers import Handlers
from services.chassis.events.copies.announcement import Announcement
from services.chassis.events.copies.rebuild import Copy
from services.chassis.events.transaction import PostgresUnitOfWork, Transaction
from services.chassis.files.download_token import MIN_KEY_BYTES
from services.chassis.files.service_files import ServiceFiles
from services.chassis.files.store import FileStore
from services.chassis.imports.export_files import ImportKind
from services.chassis.imports.importer import FileImporter
from services.chassis.jobs import queue
from services.chassis.jobs.fan_out import EmitPage
from services.chassis.jobs.job import AnyJobHandler
from services.chassis.jobs.schedule import DueRows, Recurring
from services.chassis.mail import MailOwner
from services.chassis.process import BackgroundLoop
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.runtime.clock import Clock
from services.chassis.runtime.settings import InvalidSettings, ServiceSettings
from services.contracts.identity.events import AccessStated
from services.contracts.identity.operations import Identity
from services.hosting.file_resource import UploadPurpose

T = TypeVar("T", bound=Transaction)
P = TypeVar("P")


class ServiceRuntime(Generic[T]):
    """The objects that a process of a service makes once, at its start."""

    def __init__(
        self,
        settings: ServiceSettings,
        clock: Clock,
        pool: Pool,
        identity: ServiceChannel,
        blueprint: "Blueprint[T, Any]",
        channels: Mapping[str, ServiceChannel] | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.pool = pool
        self.relay_notifier = CommitNotifier(pool, outbox.WAKE_UP)
        self.job_notifier = CommitNotifier(pool, queue.WAKE_UP)
        self.work: PostgresUnitOfWork[T] = PostgresUnitOfWork(
            pool, clock, blueprint.transaction, self.relay_notifier.notify, self.job_notifier.notify
        )
        self.identity = identity
        self.channels: Mapping[str, ServiceChannel] = channels or {}
        """The channels to the other services that the blueprint names, by their names."""
        self._blueprint = blueprint
        self._key_ring = _read_key_ring(blueprint.name, settings) if blueprint.sealed else None
        self.tokens = ServiceTokens(blueprint.name, settings.service_secret, self.identity, clock)

    @property
    def key_ring(self) -> KeyRingReader:
        """The keys of the service's sealed values."""
        assert self._key_ring is not None, "the blueprint declares no sealed columns"
        return self._key_ring

    @functools.cached_property
    def files(self) -> ServiceFiles:
        """The service's files, opened in the processes that use them."""
        assert self._blueprint.has_files, "the blueprint declares no files"
        return _open_files(self._blueprint.name, self.settings, self.pool, self.clock)

    @functools.cached_property
    def imports(self) -> FileImporter[T]:
        """The service's imports."""
        kinds = self._blueprint.imports(self)
        return FileImporter(self._blueprint.name, self.pool, self.work, kinds, self.files)

    async def fetch_access(self, subject_id: str) -> AccessStated | None:
        """Fetch a subject's present access from identity."""
        return await client(Identity, self.identity, await self.tokens.headers()).access_of(subject_id)

    async def public_keys(self) -> str:
        """Fetch the keys that verify tokens from identity."""
        return (await client(Identity, self.identity, {}).public_keys()).jwks


class Blueprint(msgspec.Struct, Generic[T, P], frozen=True, kw_only=True):
    """The definition of a service, from which its processes are built."""

    name: str
    contract: type[P]
    """The operations that the service offers."""
    settings: type[ServiceSettings] = ServiceSettings
    migrations: Path
    transaction: Callable[[DatabaseConnection, Clock], T]
    bind: Callable[[ServiceRuntime[T]], Callable[[Caller], P]]
    """Builds the implementation of the contract for one caller."""
    owners: Mapping[str, ThingOwner] = {}
    """The owners of the things that operations are about, by the prefixes of their ids."""
    calls: Sequence[str] = ()
    """The services that the service calls, beside identity: its settings have a ``<name>_url`` of each."""
    subscribes_to: Sequence[str] = ()
    """The services whose topics the service consumes."""
    handlers: Callable[[ServiceRuntime[T]], Handlers[T]]
    """The handler of each event type."""
    partners_topic: bool = False
    """Whether partners read the service's public events from Kafka."""
    sealed: Sequence[SealedColumn] = ()
    """The columns with secrets, which ``kierto keys rotate`` re-encrypts."""
    sensitive: Sequence[SensitiveTable] = ()
    """The service's own columns with personal data."""
    append_only: Sequence[str] = ()
    """The service's own tables, with their schema, whose rows its processes never update or delete."""
    versioned: Sequence[str] = ()
    """The service's own tables with a ``version`` that its events carry."""
    has_files: bool = False
    """Whether things of the service have files, imports among them."""
    uploads: Callable[[ServiceRuntime[T]], Mapping[str, UploadPurpose]] = lambda runtime: {}
    """The purposes of uploads by their names in the address, beside those of imports."""
    imports: Callable[[ServiceRuntime[T]], Sequence[ImportKind[T, Any]]] = lambda runtime: ()
    """The kinds of files that the service imports."""
    announcements: Sequence[Announcement[T]] = ()
    """The entities that the service states again for the copies of other services."""
    copies: Sequence[Copy] = ()
    """The service's copies of entities of other services, in an order in which none refers to a later one."""
    recompute: Callable[[T], Awaitable[None]] | None = None
    """Recomputes the data that derive from the copies."""
    fetch_access: Callable[[ServiceRuntime[T]], Callable[[str], Awaitable[AccessStated | None]]] = lambda runtime: (
        runtime.fetch_access
    )
    public_keys: Callable[[ServiceRuntime[T]], Callable[[], Awaitable[str]]] = lambda runtime: runtime.public_keys
    routes: Callable[[ServiceRuntime[T], CallerAuthenticator], Sequence[BaseRoute]] = lambda runtime, authenticator: ()
    """The routes beside the contract and the files."""
    jobs: Callable[[ServiceRuntime[T]], Sequence[AnyJobHandler]] = lambda runtime: ()
    """The handlers of the service's jobs, beside those of files, imports, mails, audit and retention."""
    fan_outs: Mapping[str, EmitPage[T]] = {}
    """The service's fan-outs by their kinds."""
    recurring: Sequence[Recurring] = ()
    """The service's recurring jobs, beside retention, audit and the sweep of files."""
    due_rows: Sequence[DueRows] = ()
    """The service's rows that have a job at their time."""
    mail_owner: Callable[[ServiceRuntime[T]], MailOwner] = lambda _: MailOwner()
    """The part of the service that decides about its mails."""
    listeners: Callable[[ServiceRuntime[T]], Sequence[BackgroundLoop]] = lambda runtime: ()
    """The servers of other protocols than HTTP in the worker."""

    @property
    def all_sensitive(self) -> Sequence[SensitiveTable]:
        """The columns with personal data of the whole database: the service's own and the chassis'."""
        return (*self.sensitive, *CHASSIS_SENSITIVE)


def _read_key_ring(service: str, settings: ServiceSettings) -> KeyRingReader:
    name = f"KIERTO_{service.upper()}_KEY_RING_FILE"
    if settings.key_ring_file is None:
        raise InvalidSettings(f"{name} is missing (expected a path)")
    try:
        return KeyRingReader(settings.key_ring_file)
    except InvalidKeyRing as error:
        raise InvalidSettings(f"{name} is wrong: {error}") from None


def _open_files(service: str, settings: ServiceSettings, pool: Pool, clock: Clock) -> ServiceFiles:
    prefix = f"KIERTO_{service.upper()}_FILES"
    problems = []
    try:
        key = base64.b64decode(settings.files_key, validate=True)
    except ValueError:
        key = b""
    if len(key) < MIN_KEY_BYTES:
        found = "wrong" if settings.files_key else "missing"
        problems.append(f"{prefix}_KEY is {found} (expected {MIN_KEY_BYTES} random bytes or more in base64)")
    try:
        store = FileStore.open(settings.files_url)
    except ValueError as error:
        problems.append(f"{prefix}_URL is {'wrong' if settings.files_url else 'missing'} ({error})")
    if problems:
        raise InvalidSettings("\n".join(problems))
    return ServiceFiles(service, pool, store, key, clock)
