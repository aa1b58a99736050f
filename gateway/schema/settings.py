"""Query settings."""

from collections.abc import Awaitable

import strawberry

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, field
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.people import Language, RegistrationSettings
from services.contracts.imports import FILE_TYPE, MAX_FILE_BYTES
from services.contracts.support.thread import ATTACHMENT_TYPES, MAX_ATTACHMENT_BYTES
from services.contracts.support.tickets import MAX_ATTACHMENTS
from services.contracts.values import MAX_PAGE, Value


class UploadLimits(Value, frozen=True, kw_only=True):
    """The limits of the files of a kind of upload."""

    media_types: list[str]
    """The media types (RFC 6838) that are accepted."""
    max_bytes: int
    """The greatest size of one, in bytes."""
    max_files: int
    """The most files at once."""


class Settings(Value, frozen=True, kw_only=True):
    """The operator's settings, which a client would have to hard-code otherwise. They need no token."""

    languages: list[Language]
    """The languages of messages and mails."""
    time_zone: str
    """The time zone of days without a time (a name of the IANA Time Zone Database)."""
    currency: str
    """The currency of prices (ISO 4217)."""
    page_limit: int
    """The most nodes that a page of a list has."""
    import_files: UploadLimits
    """The limits of import files."""
    attachments: UploadLimits
    """The limits of files that come with a message to customer service."""


@field()
def registration(_: strawberry.Parent[Settings], info: Info) -> Awaitable[RegistrationSettings]:
    """The settings for registration."""
    return raw_client(info.context.clients.identity).settings()


extend_type(Settings, registration)


@field(weight=1)
async def settings(info: Info) -> Settings:
    """The operator's settings: formats, limits, languages."""
    dependencies = info.context.dependencies
    return Settings(
        languages=list(Language),
        time_zone=dependencies.clock.zone.key,
        currency=dependencies.currency,
        page_limit=MAX_PAGE,
        import_files=UploadLimits(media_types=[FILE_TYPE], max_bytes=MAX_FILE_BYTES, max_files=1),
        attachments=UploadLimits(
            media_types=list(ATTACHMENT_TYPES), max_bytes=MAX_ATTACHMENT_BYTES, max_files=MAX_ATTACHMENTS.most
        ),
    )
