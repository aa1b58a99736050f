"""Query partners."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field, field, requested_page
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.organisations import Organisation
from services.contracts.identity.partners import Partner, PartnerFilter, PartnerOrder
from services.contracts.values import Connection, Doc


@batch_field(needs=["id"])
def organisations(
    partners: list[Partner],
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Awaitable[list[Connection[Organisation]]]:
    """The organisations of `organisationIds`, by name."""
    page = requested_page(info, first, after, last, before)
    return raw_client(info.context.clients.identity).organisations_of_partners([one.id for one in partners], page)


extend_type(Partner, organisations, node=True)


@field()
def partners(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[PartnerFilter | None, Doc("The conditions that the partners meet; None: no condition.")] = None,
    order: Annotated[PartnerOrder | None, Doc("The order; None: by name.")] = None,
) -> Awaitable[Connection[Partner]]:
    """The partners (I13). Staff only."""
    return raw_client(info.context.clients.identity).partners(
        requested_page(info, first, after, last, before), filter, order
    )
