"""Query imports."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.schema.fields import Info, field, requested_page
from services.chassis.rpc.raw_result import raw_client
from services.contracts.imports import OWNER_BY_KIND, Import, ImportFileKind, ImportFilter, ImportOrder
from services.contracts.values import Connection, Doc


@field()
def imports(
    info: Info,
    kind: Annotated[ImportFileKind, Doc("The kind of the files.")],
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[ImportFilter | None, Doc("The conditions that the imports meet; None: no condition.")] = None,
    order: Annotated[ImportOrder | None, Doc("The order; None: the latest uploads first.")] = None,
    updated_after: str | None = None,
) -> Awaitable[Connection[Import]]:
    """The imports of a kind of file (I17, L9). Staff only."""
    page = requested_page(info, first, after, last, before, updated_after)
    service = OWNER_BY_KIND[kind.value.lower()]
    return raw_client(info.context.clients.importing(service)).imports(kind, page, filter, order)
