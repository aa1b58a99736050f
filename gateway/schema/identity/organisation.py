"""Fields of Organisation and Membership from other services."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, field, requested_page, selected_struct_fields
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.organisations import Organisation
from services.contracts.identity.people import Membership
from services.contracts.sites import Site, SiteFilter, SiteOrder
from services.contracts.values import Connection, Doc, Page

_Filter = Annotated[SiteFilter | None, Doc("The conditions that the sites meet; None: no condition.")]
_Order = Annotated[SiteOrder | None, Doc("The order; None: by address.")]


def _sites_of(
    info: Info, organisation: Organisation, page: Page, filter: SiteFilter | None, order: SiteOrder | None
) -> Awaitable[Connection[Site]]:
    fields = selected_struct_fields(Site, info, "edges", "node")
    return raw_client(info.context.clients.sites).sites(page, filter, order, fields, organisation.id)


@field(name="sites")
def sites_of_organisation(
    organisation: strawberry.Parent[Organisation],
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: _Filter = None,
    order: _Order = None,
    updated_after: str | None = None,
) -> Awaitable[Connection[Site]]:
    """The sites of the organisation that the caller may see (L1)."""
    page = requested_page(info, first, after, last, before, updated_after)
    return _sites_of(info, organisation, page, filter, order)


@field(name="sites")
def sites_of_membership(
    membership: strawberry.Parent[Membership],
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: _Filter = None,
    order: _Order = None,
    updated_after: str | None = None,
) -> Awaitable[Connection[Site]]:
    """The sites that the user can see: those of `siteIds`, or all of the organisation."""
    page = requested_page(info, first, after, last, before, updated_after)
    return _sites_of(info, membership.organisation, page, filter, order)


extend_type(Organisation, sites_of_organisation, node=True)
extend_type(Membership, sites_of_membership)
