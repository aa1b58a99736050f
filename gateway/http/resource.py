"""Small resources beside ``/graphql``: a call for each method, and what is refused in GraphQL's one form of errors."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.errors import RequestError, encode_errors, to_request_error
from gateway.http.request_guard import response_language, spent_rate
from services.chassis.rpc.server import instrumented

NO_STORE = {"Cache-Control": "no-store"}
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="kierto"'}
"""What every 401 has to have (RFC 9110, section 15.5.2). A browser asks nobody for a password because of it."""

ResourceHandler = Callable[[Request], Awaitable[Response]]


def resource(path: str, **calls: ResourceHandler) -> Route:
    """The resource at ``path``; ``calls`` by their methods. HEAD goes with GET, any other method is 405."""
    return Route(path, _Resource(calls))


class _Resource:
    """An ASGI application, so that a method which it does not have is refused in its own form."""

    def __init__(self, calls: Mapping[str, ResourceHandler]) -> None:
        self._handlers = {
            method: instrumented(_operation_name(call), _with_graphql_errors(call)) for method, call in calls.items()
        }
        if "GET" in self._handlers:
            self._handlers["HEAD"] = self._handlers["GET"]
        allowed = {"Allow": ", ".join(self._handlers)}

        async def refuse(_: Request) -> Response:
            raise RequestError(405, "METHOD_NOT_ALLOWED", allowed)

        self._method_not_allowed = instrumented("methodNotAllowed", _with_graphql_errors(refuse))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._handlers.get(request.method, self._method_not_allowed)(request)
        await response(scope, receive, send)


def _with_graphql_errors(call: ResourceHandler) -> ResourceHandler:
    async def answer(request: Request) -> Response:
        try:
            response = await call(request)
        except ClientDisconnect:
            raise
        except Exception as error:
            refused = to_request_error(error, CHALLENGE)
            headers = {**NO_STORE, **refused.headers}
            body = encode_errors(refused.formatted_errors(response_language(request)))
            response = Response(body, refused.status, headers, "application/json")
        spent = spent_rate(request)
        if spent is not None:
            response.raw_headers.extend(spent.fields())
        return response

    return answer


def _operation_name(call: ResourceHandler) -> str:
    """What the log and the metrics call it: begin_session is beginSession there, as operations are."""
    first, *others = str(getattr(call, "__name__", "")).split("_")
    return first + "".join(one.capitalize() for one in others)
