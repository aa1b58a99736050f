"""The files of a service's imports over HTTP: those that come in, and what was left out of them."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from services.access.caller import Caller
from services.chassis.imports.importer import FileImporter
from services.hosting.bad_rows_file import bad_rows_route
from services.hosting.upload import upload_route


def import_resource(imports: FileImporter[Any], authenticate: Callable[[Request], Awaitable[Caller]]) -> list[Route]:
    """The routes; none for a service that takes in no files."""
    return [upload_route(imports, authenticate), bad_rows_route(imports, authenticate)] if imports.kinds else []
