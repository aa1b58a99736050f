"""The page that a browser is shown at ``/graphql``, to try things on."""

import msgspec
from strawberry.http.ides import get_graphql_ide_html


class Page(msgspec.Struct, frozen=True):
    """A page as it is sent."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


def graphiql() -> Page:
    """GraphiQL."""
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"vary", b"Accept")]
    return Page(headers, get_graphql_ide_html("graphiql").encode())
