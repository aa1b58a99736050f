"""Query partners."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field, field, requested_page
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.organisations import Organisation, OrganisationFilter, OrganisationOrder
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
    filter: Annotated[
        OrganisationFilter | None, Doc("The conditions that the organisations meet; None: no condition.")
    ] = None,
    order: Annotated[OrganisationOrder | None, Doc("The order; None: by name.")] = None,
    updated_after: str | None = None,
) -> Awaitable[list[Connection[Organisation]]]:
    """The organisations of `organisationIds`."""
    page = requested_page(info, first, after, last, before, updated_after)
    return raw_client(info.context.clients.identity).organisations_of_partners(
        [one.id for one in partners], page, filter, order
    )


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
    updated_after: str | None = None,
) -> Awaitable[Connection[Partner]]:
    """The partners (I13). Staff only."""
    return raw_client(info.context.clients.identity).partners(
        requested_page(info, first, after, last, before, updated_after), filter, order
    )
