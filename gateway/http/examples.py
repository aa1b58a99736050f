"""The examples, for the page that shows them in a menu."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.examples import examples
from gateway.http.request_guard import RequestGuard
from gateway.http.resource import resource
from services.chassis.problems import Unauthenticated

_COST = 10


def examples_route(entrance: RequestGuard, *, for_anybody: bool) -> Route:
    """``GET /graphql/examples.json``, with today's days; for whoever has a token, or ``for_anybody``."""

    async def show_examples(request: Request) -> Response:
        asker = await entrance.authenticate(request, _COST)
        if asker.caller is None and not for_anybody:
            raise Unauthenticated
        body = msgspec.json.encode([one.with_dates(entrance.dependencies.clock) for one in examples()])
        return Response(body, headers={"Cache-Control": "private, no-cache"}, media_type="application/json")

    return resource("/graphql/examples.json", GET=show_examples)
