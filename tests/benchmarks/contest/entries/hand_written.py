"""The same pages by hand: no GraphQL, no framework, no logs. What a gateway could cost if it were only these pages.

It checks the token, asks for just what is shown, decodes that, joins by place, and encodes. ``/small`` is the small
operation, ``/other/<number>`` one of the others, all else the page with the joins: their path says what others are told
by the operation's text.
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


class _Shown(msgspec.Struct, rename="camel", gc=False):
    """What the client sees, and no more."""


class Address(_Shown):
    street: str
    postal_code: str
    city: str


class Container(_Shown):
    id: str
    fraction: str
    litres: int
    count: int


class Article(_Shown):
    name: str
    waste_code: str


class Pickup(_Shown):
    id: str
    date: str
    tolerance_days: int
    original_date: str | None
    state: str
    article: Article


class Site(_Shown):
    id: str
    site_number: str
    address: Address
    containers: list[Container]
    next_pickup: Pickup | None = None
    open_order_count: int | None = None


class Edge(_Shown):
    node: Site


class Sites(_Shown):
    edges: list[Edge]


class After(_Shown):
    after: str | None


class Variables(After):
    first: int


class AskedAfter(_Shown):
    variables: After


class Asked(_Shown):
    variables: Variables


_encode = msgspec.json.Encoder().encode
_asked = msgspec.json.Decoder(Asked).decode
_asked_after = msgspec.json.Decoder(AskedAfter).decode
_sites = msgspec.json.Decoder(Sites).decode
_joined = msgspec.json.Decoder(tuple[tuple[int, list[Pickup | None]], tuple[int, list[int]]]).decode

_JSON = (b"content-type", b"application/json")
_PAGE = b'{"page":{"first":%d,"after":%b},"fields":["address","containers","id","siteNumber"]}'
_ORDERS = b'[["nextPickups",{"siteIds":%b}],["openOrderCounts",{"siteIds":%b}]]'


def make(settings: GatewaySettings, access: Authenticator, _: SystemClock) -> ASGIApp:
    """The application."""
    sites, orders = Backend(settings.sites_url), Backend(settings.orders_url)
    ask_sites, ask_orders = sites.start("/rpc/sites"), orders.start("/rpc")
    pick_sites = batch_protocol.selection_field((_encode(PORTAL.selected["sites"]),))
    pick_orders = batch_protocol.selection_field((_encode(PORTAL.selected["nextPickups"]), b""))

    def scalars_of(page: Page) -> Callable[[bytes, bytes], Awaitable[bytes]]:
        """Return what answers a page of some fields of one site."""
        names = cast(list[list[str]], page.selected["sites"][1])[1]
        fields_asked = _encode(sorted(names))
        pick = batch_protocol.selection_field((_encode(page.selected["sites"]),))
        decode = msgspec.json.Decoder(_sites_with(names)).decode

        async def answer(body: bytes, fields: bytes) -> bytes:
            asked = b'{"page":{"first":1,"after":%b},"fields":%b}' % (
                _encode(_asked_after(body).variables.after),
                fields_asked,
            )
            shown = decode(await sites.post(ask_sites, asked, FieldLines(fields + pick)))
            return b'{"data":{"sites":%b}}' % _encode(shown)

        return answer

    scalars = {f"/{page.operation}": scalars_of(page) for page in (SMALL, *OTHERS)}

    async def portal(body: bytes, fields: bytes) -> bytes:
        variables = _asked(body).variables
        asked = _PAGE % (variables.first, _encode(variables.after))
        page = _sites(await sites.post(ask_sites, asked, FieldLines(fields + pick_sites)))
        ids = _encode([edge.node.id for edge in page.edges])
        (_, pickups), (_, counts) = _joined(
            await orders.post(ask_orders, _ORDERS % (ids, ids), FieldLines(fields + pick_orders))
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
