"""Field messageChoices of Me."""

from collections.abc import Awaitable

import strawberry

from gateway.execution.cost.directives import ListSize
from gateway.schema.fields import Info, field
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.people import Me
from services.contracts.support.messages import MessageChoice


@field(size=ListSize(assumed_size=10))
def message_choices(_: strawberry.Parent[Me], info: Info) -> Awaitable[list[MessageChoice]]:
    """The choices among the kinds of messages that the user can get (S8)."""
    return raw_client(info.context.clients.support).message_choices()
