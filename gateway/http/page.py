"""The page that a browser is shown at ``/graphql``, to try things on."""

import msgspec


class Page(msgspec.Struct, frozen=True):
    """A page as it is sent."""

    headers: list[tuple[bytes, bytes]]
    body: bytes
