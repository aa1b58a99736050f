"""Resources beside ``/graphql``: a handler for each method, and errors in GraphQL's form."""

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
"""The challenge that every 401 needs (RFC 9110, section 15.5.2). A browser shows no password dialog for this scheme."""

ResourceHandler = Callable[[Request], Awaitable[Response]]


def resource(path: str, **handlers: ResourceHandler) -> Route:
    """Build the resource at ``path`` of handlers by method. GET handles HEAD; any other method is answered 405."""
    return Route(path, _Resource(handlers))


class _Resource:
    """An ASGI application: it answers 405 in GraphQL's form, which Starlette's Route does not."""

    def __init__(self, handlers: Mapping[str, ResourceHandler]) -> None:
        self._handlers = {
            method: instrumented(_operation_name(handler), _with_graphql_errors(handler))
            for method, handler in handlers.items()
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


def _with_graphql_errors(handler: ResourceHandler) -> ResourceHandler:
    async def handle(request: Request) -> Response:
        try:
            response = await handler(request)
        except ClientDisconnect:
            raise
        except Exception as exception:
            error = to_request_error(exception, CHALLENGE)
            headers = {**NO_STORE, **error.headers}
            body = encode_errors(error.formatted_errors(response_language(request)))
            response = Response(body, error.status, headers, "application/json")
        spent = spent_rate(request)
        if spent is not None:
            response.raw_headers.extend(spent.fields())
        return response

    return handle


def _operation_name(handler: ResourceHandler) -> str:
    """Return the name in the log and the metrics, in camel case as an operation's: beginSession of begin_session."""
    first, *others = str(getattr(handler, "__name__", "")).split("_")
    return first + "".join(one.capitalize() for one in others)
