"""Query me."""

from collections.abc import Awaitable

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, field
from gateway.schema.support.message_choices import message_choices
from gateway.schema.support.own_mail_suppression import mail_suppression
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.people import Me

extend_type(Me, message_choices, mail_suppression, node=True)


@field()
def me(info: Info) -> Awaitable[Me | None]:
    """The signed-in user with their memberships (I10); null for a partner."""
    return raw_client(info.context.clients.identity).me()
