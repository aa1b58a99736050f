"""Query organisations."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.schema.fields import Info, field, is_total_selected
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.organisations import Organisation, OrganisationFilter, OrganisationOrder
from services.contracts.values import Connection, Doc, Page


@field()
def organisations(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[OrganisationFilter | None, Doc("The conditions that the organisations meet; None: none.")] = None,
    order: Annotated[OrganisationOrder | None, Doc("The order; None: by name.")] = None,
) -> Awaitable[Connection[Organisation]]:
    """The organisations that the caller may see: a user's own, those that a partner serves, all for staff (I10)."""
    return raw_client(info.context.clients.identity).organisations(
        Page(first=first, after=after, last=last, before=before, total=is_total_selected(info)), filter, order
    )
