"""Hand-written endpoints of the pages: no GraphQL, no framework, no logs. The least cost of a gateway with these pages.

It checks the token, requests only the selected fields, decodes them, joins by index, and encodes. ``/small`` is the
small operation, ``/other/<number>`` one of the others, all other paths the page with the joins: the path takes the
place of the operation's text.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.authentication import Authenticator
from gateway.settings import GatewaySettings
from services.chassis.http.client.request import FieldLines
from services.chassis.problems import Unauthenticated
from services.chassis.rpc import batch_protocol
from services.chassis.runtime.clock import SystemClock
from tests.benchmarks.contest.entries.backend import Backend
from tests.benchmarks.contest.entries.python_server import serve
from tests.benchmarks.contest.pages import OTHERS, PORTAL, SMALL, Page


class _Selected(msgspec.Struct, rename="camel", gc=False):
    """Part of the response, with the selected fields only."""


class Address(_Selected):
    street: str
    postal_code: str
    city: str


class Container(_Selected):
    id: str
    fraction: str
    litres: int
    count: int


class Article(_Selected):
    name: str
    waste_code: str


class Pickup(_Selected):
    id: str
    date: str
    tolerance_days: int
    original_date: str | None
    state: str
    article: Article


class Site(_Selected):
    id: str
    site_number: str
    address: Address
    containers: list[Container]
    next_pickup: Pickup | None = None
    open_order_count: int | None = None


class Edge(_Selected):
    node: Site


class Sites(_Selected):
    edges: list[Edge]


class After(_Selected):
    after: str | None


class Variables(After):
    first: int


class RequestAfter(_Selected):
    variables: After


class PageRequest(_Selected):
    variables: Variables


_encode = msgspec.json.Encoder().encode
_decode_request = msgspec.json.Decoder(PageRequest).decode
_decode_request_after = msgspec.json.Decoder(RequestAfter).decode
_sites = msgspec.json.Decoder(Sites).decode
_joined = msgspec.json.Decoder(tuple[tuple[int, list[Pickup | None]], tuple[int, list[int]]]).decode

_JSON = (b"content-type", b"application/json")
_PAGE = b'{"page":{"first":%d,"after":%b},"fields":["address","containers","id","siteNumber"]}'
_ORDERS = b'[["nextPickups",{"siteIds":%b}],["openOrderCounts",{"siteIds":%b}]]'


def make(settings: GatewaySettings, access: Authenticator, _: SystemClock) -> ASGIApp:
    """Build the application."""
    sites, orders = Backend(settings.sites_url), Backend(settings.orders_url)
    start_sites, start_orders = sites.start("/rpc/sites"), orders.start("/rpc")
    select_sites = batch_protocol.selection_field((_encode(PORTAL.selected["sites"]),))
    select_orders = batch_protocol.selection_field((_encode(PORTAL.selected["nextPickups"]), b""))

    def scalars_of(page: Page) -> Callable[[bytes, bytes], Awaitable[bytes]]:
        """Return the handler of a page of some fields of one site."""
        names = cast(list[list[str]], page.selected["sites"][1])[1]
        service_fields = _encode(sorted(names))
        selection = batch_protocol.selection_field((_encode(page.selected["sites"]),))
        decode = msgspec.json.Decoder(_sites_with(names)).decode

        async def handle(body: bytes, fields: bytes) -> bytes:
            arguments = b'{"page":{"first":1,"after":%b},"fields":%b}' % (
                _encode(_decode_request_after(body).variables.after),
                service_fields,
            )
            sites_part = decode(await sites.post(start_sites, arguments, FieldLines(fields + selection)))
            return b'{"data":{"sites":%b}}' % _encode(sites_part)

        return handle

    scalars = {f"/{page.operation}": scalars_of(page) for page in (SMALL, *OTHERS)}

    async def portal(body: bytes, fields: bytes) -> bytes:
        variables = _decode_request(body).variables
        arguments = _PAGE % (variables.first, _encode(variables.after))
        page = _sites(await sites.post(start_sites, arguments, FieldLines(fields + select_sites)))
        ids = _encode([edge.node.id for edge in page.edges])
        (_, pickups), (_, counts) = _joined(
            await orders.post(start_orders, _ORDERS % (ids, ids), FieldLines(fields + select_orders))
        )
        for edge, pickup, count in zip(page.edges, pickups, counts, strict=True):
            node = edge.node
            node.next_pickup, node.open_order_count = pickup, count
        return b'{"data":{"sites":%b}}' % _encode(page)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            caller = await access.authenticate_token(_token(scope["headers"]))
        except Unauthenticated:
            await _respond(send, 401, b"{}")
            return
        body = await _body(receive)
        fields = b"Content-Type: application/json\r\nAuthorization: Bearer %b\r\n" % caller.token.encode()
        await _respond(send, 200, await scalars.get(scope["path"], portal)(body, fields))

    return app


def _sites_with(names: list[str]) -> Any:
    """Return the type of sites with these fields alone."""
    types = {"dwellings": int}
    site = msgspec.defstruct("Site", [(name, types.get(name, str)) for name in names], gc=False)
    edge = msgspec.defstruct("Edge", [("node", site)], gc=False)
    return msgspec.defstruct("Sites", [("edges", list[edge])], gc=False)  # type: ignore[valid-type]


def _token(headers: list[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"authorization" and value.startswith(b"Bearer "):
            return value[7:].decode("latin-1")
    raise Unauthenticated


async def _body(receive: Receive) -> bytes:
    message: Any = await receive()
    body: bytes = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    return body


async def _respond(send: Send, status: int, body: bytes) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [_JSON, length]})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    serve(make)
