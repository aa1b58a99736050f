"""A request's header fields, by their names in lower case."""

from starlette.types import Scope


def fields_of(scope: Scope) -> dict[bytes, bytes]:
    """The fields. They are gone through backwards, so that of one that comes twice the first counts."""
    return dict(reversed(scope["headers"]))
