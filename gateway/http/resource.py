"""Small resources beside ``/graphql``: a call for each method, and what is refused in GraphQL's one form of errors."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.errors import Refused, answer_of, refusal
from gateway.http.entrance import language_for, spent_by
from services.chassis.rpc.server import guarded

NO_STORE = {"Cache-Control": "no-store"}
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="kierto"'}
"""What every 401 has to have (RFC 9110, section 15.5.2). A browser asks nobody for a password because of it."""

Call = Callable[[Request], Awaitable[Response]]


def resource(path: str, **calls: Call) -> Route:
    """The resource at ``path``; ``calls`` by their methods. HEAD goes with GET, any other method is 405."""
    return Route(path, _Resource(calls))


class _Resource:
    """An ASGI application, so that a method which it does not have is refused in its own form."""

    def __init__(self, calls: Mapping[str, Call]) -> None:
        self._calls = {method: guarded(_name_of(call), _in_one_form(call)) for method, call in calls.items()}
        if "GET" in self._calls:
            self._calls["HEAD"] = self._calls["GET"]
        allowed = {"Allow": ", ".join(self._calls)}

        async def refuse(_: Request) -> Response:
            raise Refused(405, "METHOD_NOT_ALLOWED", allowed)

        self._otherwise = guarded("methodNotAllowed", _in_one_form(refuse))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._calls.get(request.method, self._otherwise)(request)
        await response(scope, receive, send)


def _in_one_form(call: Call) -> Call:
    async def answer(request: Request) -> Response:
        try:
            response = await call(request)
        except ClientDisconnect:
            raise
        except Exception as error:
            refused = refusal(error, CHALLENGE)
            headers = {**NO_STORE, **refused.headers}
            body = answer_of(refused.shown(language_for(request)))
            response = Response(body, refused.status, headers, "application/json")
        spent = spent_by(request)
        if spent is not None:
            response.raw_headers.extend(spent.fields())
        return response

    return answer


def _name_of(call: Call) -> str:
    """What the log and the metrics call it: begin_session is beginSession there, as operations are."""
    first, *others = str(getattr(call, "__name__", "")).split("_")
    return first + "".join(one.capitalize() for one in others)
