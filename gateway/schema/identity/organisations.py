"""Query organisations."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.schema.fields import Info, field, requested_page
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.organisations import Organisation, OrganisationFilter, OrganisationOrder
from services.contracts.values import Connection, Doc


@field()
def organisations(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[
        OrganisationFilter | None, Doc("The conditions that the organisations meet; None: no condition.")
    ] = None,
    order: Annotated[OrganisationOrder | None, Doc("The order; None: by name.")] = None,
    updated_after: str | None = None,
) -> Awaitable[Connection[Organisation]]:
    """The organisations that the caller may see: a user's own, those that a partner serves, all for staff (I10)."""
    return raw_client(info.context.clients.identity).organisations(
        requested_page(info, first, after, last, before, updated_after), filter, order
    )
