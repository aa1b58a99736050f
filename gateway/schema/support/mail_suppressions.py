"""Query mailSuppressions."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.schema.fields import Info, field, requested_page
from services.chassis.rpc.raw_result import raw_client
from services.contracts.support.mail_suppressions import MailSuppression, MailSuppressionFilter, MailSuppressionOrder
from services.contracts.values import Connection, Doc


@field()
def mail_suppressions(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[
        MailSuppressionFilter | None, Doc("The conditions that the suppressions meet; None: no condition.")
    ] = None,
    order: Annotated[MailSuppressionOrder | None, Doc("The order; None: the latest ones first.")] = None,
    updated_after: str | None = None,
) -> Awaitable[Connection[MailSuppression]]:
    """The addresses to which no messages are mailed, because mails came back (S5). Staff only."""
    return raw_client(info.context.clients.support).mail_suppressions(
        requested_page(info, first, after, last, before, updated_after), filter, order
    )
