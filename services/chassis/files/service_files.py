"""The files of one service, as its processes use them."""

import uuid
from collections.abc import Collection, Mapping

from services.chassis.db.postgres import Pool
from services.chassis.files.download_token import DownloadTokens
from services.chassis.files.storage import FileStorage
from services.chassis.files.store import FileStore
from services.chassis.files.upload import FileUploads
from services.chassis.runtime.clock import Clock
from services.contracts.files import FileLink


class ServiceFiles:
    """Uploads, kept files, and links to them; ValueError if the key of the links is too short."""

    def __init__(self, service: str, pool: Pool, store: FileStore, key: bytes, clock: Clock) -> None:
        self.uploads = FileUploads(pool, store)
        self.storage = FileStorage(pool, store, clock)
        self.tokens = DownloadTokens(service, key, clock)

    async def links(self, ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, FileLink]:
        """Return links to those of the files that are kept, for a caller who may read them."""
        found = await self.storage.find(ids)
        return {row.id: self.tokens.link(row.id, row.name, row.size) for row in found.values()}
