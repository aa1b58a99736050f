"""The service's end of a contract: one route an operation, typed in and out.

``POST /rpc/<operation>`` takes the operation's parameters as one JSON object and answers its result as JSON. A result
that is a refusal is a result. What no client with the contract would send is 400, no valid token 401, not yet
answerable 503, the unexpected 500: problem details all, and nothing of the inside in them.
"""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from services.chassis import metrics, tracing
from services.chassis.logging import logger
from services.chassis.postgres import NO_ONES_FAULT, NOT_TEXT
from services.chassis.problems import Forbidden, MalformedInput, NotReadyYet, Unauthenticated, respond
from services.chassis.rpc.openapi import openapi
from services.chassis.rpc.signature import Signature, signatures

_log = logger(__name__)

P = TypeVar("P")
C = TypeVar("C")

MAX_BODY = 4_000_000

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(
    protocol: type[P],
    bind: Callable[[C], P],
    authenticate: Callable[[Request], Awaitable[C]],
    stranger: Callable[[Request], Awaitable[C]],
) -> list[Route]:
    """Routes for every operation of ``protocol``.

    ``bind`` makes the operations for one caller; ``authenticate`` finds the caller or raises; ``stranger`` is the
    caller of public operations.
    """

    def endpoint(signature: Signature) -> Endpoint:
        decode = msgspec.json.Decoder(signature.arguments).decode
        encode = msgspec.json.Encoder().encode
        find_caller = stranger if signature.declared.public else authenticate
        names = signature.arguments.__struct_fields__

        async def call(request: Request) -> Response:
            caller = await find_caller(request)
            arguments: Any = decode(await _body(request))
            method = getattr(bind(caller), signature.python_name)
            result = await method(**{name: getattr(arguments, name) for name in names})
            return Response(encode(result), media_type="application/json")

        return guarded(signature.name, call)

    document = openapi(protocol)

    async def show(_: Request) -> Response:
        return Response(document, media_type="application/json")

    made = [
        Route(f"/rpc/{name}", endpoint(one), methods=["POST"]) for name, one in signatures(cast(Any, protocol)).items()
    ]
    return [*made, Route("/openapi.json", show, methods=["GET"])]


def guarded(name: str, call: Endpoint) -> Endpoint:
    """An endpoint inside the request's trace, with its line in the log, its metric, and its errors as problems."""

    async def answer(request: Request) -> Response:
        began = time.perf_counter()
        with tracing.trace(request.headers.get(tracing.HEADER)):
            response = await _answer(request)
            seconds = time.perf_counter() - began
            metrics.REQUEST_SECONDS.labels(name, f"{response.status_code // 100}xx").observe(seconds)
            _log.info("answered", operation=name, status=response.status_code, ms=round(seconds * 1000, 2))
            return response

    async def _answer(request: Request) -> Response:  # noqa: PLR0911 - one line a kind of failure
        try:
            return await call(request)
        except Unauthenticated:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # RFC 6750, section 3
            return respond(401, "Not signed in", "UNAUTHENTICATED", challenge)
        except Forbidden:
            return respond(403, "Not allowed", "FORBIDDEN")
        except MalformedInput as error:
            return respond(400, "Malformed input", "MALFORMED", path=error.path, params={"expected": error.expected})
        except NOT_TEXT:
            return respond(400, "Malformed input", "MALFORMED", params={"expected": "no NUL characters"})
        except msgspec.DecodeError as error:
            reason, _, place = str(error).partition(" - at `$.")
            path = re.findall(r"[^.\[\]`]+", place)  # "reports[0].grams" is reports, 0, grams
            return respond(400, "Malformed input", "MALFORMED", path=path, params={"expected": reason})
        except NotReadyYet:
            return respond(503, "Not ready yet", "NOT_READY_YET", {"Retry-After": "1"})
        except NO_ONES_FAULT as error:
            _log.warning("unavailable", operation=name, error=type(error).__name__)
            return respond(503, "Unavailable", "UNAVAILABLE", {"Retry-After": "1"})
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception:
            _log.exception("unexpected", operation=name)
            return respond(500, "Unexpected error", "UNEXPECTED")

    return answer


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise MalformedInput(expected=f"at most {MAX_BODY} bytes")
    return bytes(body) or b"{}"
