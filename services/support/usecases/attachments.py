"""The files that come with an entry of a thread."""

import uuid

from services.chassis.files.file_rows import UnknownFile
from services.chassis.ids import find_id
from services.contracts.values import Id, Refusal, refuse
from services.support.usecases.ports.transaction import SupportStore


async def keep_attachments(tx: SupportStore, uploader: Id, ids: list[Id]) -> list[uuid.UUID] | Refusal:
    """Keep the files that a caller has uploaded for an entry. Refused with UNKNOWN_FILE, whose path has the index."""
    kept: list[uuid.UUID] = []
    for index, text in enumerate(ids):
        file_id = find_id("file", text)
        try:
            if file_id is None or file_id in kept:
                raise UnknownFile(text)
            await tx.keep_file(file_id, owner=uploader, expires_at=None)
        except UnknownFile:
            return refuse("UNKNOWN_FILE", "attachmentIds", str(index))
        kept.append(file_id)
    return kept
