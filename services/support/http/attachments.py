"""The uploads of files that come with messages and answers of tickets (S2)."""

from collections.abc import AsyncIterator

from services.access.caller import Caller
from services.chassis.files.download_token import ID_PREFIX
from services.chassis.files.media_type import MediaType
from services.chassis.files.service_files import ServiceFiles
from services.chassis.ids import write_id
from services.contracts.files import UploadedFile
from services.contracts.permission import PEOPLE
from services.contracts.support.thread import ATTACHMENT_TYPES, ATTACHMENT_UPLOAD, MAX_ATTACHMENT_BYTES
from services.hosting.file_resource import UploadPurpose

_ACCEPTED = frozenset(MediaType) - {MediaType.CSV}


def attachment_purpose(files: ServiceFiles) -> dict[str, UploadPurpose]:
    """Return the purpose of attachments. A file belongs to its uploader, who alone can name it in a command."""

    async def receive(caller: Caller, name: str, content: AsyncIterator[bytes]) -> UploadedFile:
        row = await files.uploads.begin_upload(
            content, owner=caller.subject_id, name=name, accepted=_ACCEPTED, max_bytes=MAX_ATTACHMENT_BYTES
        )
        return UploadedFile(
            id=write_id(ID_PREFIX, row.id), name=row.name, media_type=row.media_type.value, size=row.size
        )

    return {ATTACHMENT_UPLOAD: UploadPurpose(permission=PEOPLE, media_types=list(ATTACHMENT_TYPES), receive=receive)}
