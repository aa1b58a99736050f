"""Field mailSuppression of Me."""

from collections.abc import Awaitable

import strawberry

from gateway.schema.fields import Info, field
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.people import Me
from services.contracts.support.mail_suppressions import OwnMailSuppression


@field()
def mail_suppression(_: strawberry.Parent[Me], info: Info) -> Awaitable[OwnMailSuppression | None]:
    """The reason why no messages are mailed to the user's address (S5); null if they are."""
    return raw_client(info.context.clients.support).own_mail_suppression()
