"""The examples as a resource, for the playground's menu."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.examples import examples
from gateway.http.request_guard import RequestGuard
from gateway.http.resource import resource
from services.chassis.problems import Unauthenticated

_COST = 10


def examples_route(guard: RequestGuard, *, public: bool) -> Route:
    """``GET /graphql/examples.json``, with dates relative to today; without ``public`` only with a token."""

    async def show_examples(request: Request) -> Response:
        requester = await guard.authenticate(request, _COST)
        if requester.caller is None and not public:
            raise Unauthenticated
        body = msgspec.json.encode([one.with_dates(guard.dependencies.clock) for one in examples()])
        return Response(body, headers={"Cache-Control": "private, no-cache"}, media_type="application/json")

    return resource("/graphql/examples.json", GET=show_examples)
