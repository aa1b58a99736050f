"""The service's end of a contract: one route an operation, typed in and out.

``POST /rpc/<operation>`` takes the operation's parameters as one JSON object and answers its result as JSON; ``POST
/rpc`` takes several reads (see ``round_trip``). A result that is a refusal is a result. What no client with the
contract would send is 400, no valid token 401, not yet answerable 503, the unexpected 500: problem details all, and
nothing of the inside in them. What is not done in the time that the caller left (see ``deadline``) is cancelled, and
504: a change is then one transaction that was committed or was not.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from services.chassis import deadline, metrics, tracing
from services.chassis.deadline import DeadlineExceeded
from services.chassis.logging import logger, often
from services.chassis.postgres import NO_ONES_FAULT, NOT_TEXT
from services.chassis.problems import Forbidden, MalformedInput, NotReadyYet, Unauthenticated, respond
from services.chassis.rpc import round_trip
from services.chassis.rpc.openapi import openapi
from services.chassis.rpc.picking import picking
from services.chassis.rpc.signature import MAX_BODY, Signature, signatures
from services.contracts.values import Refusal

_log = logger(__name__)

P = TypeVar("P")
C = TypeVar("C")

_LONGEST_DETAIL = 200
"""Characters of what the decoder says: it repeats some of what it was given."""

ROUND_TRIP = "roundTrip"
"""What a round trip that failed as a whole is called in the log and the metrics; else its calls have their names."""

Endpoint = Callable[[Request], Awaitable[Response]]
Perform = Callable[[C, bytes, bytes], Awaitable[Response]]
"""An operation: from its caller, its arguments as JSON and what to pick of its result to that as JSON."""


def routes(
    protocol: type[P],
    bind: Callable[[C], P],
    authenticate: Callable[[Request], Awaitable[C]],
    stranger: Callable[[Request], Awaitable[C]],
    permit: Callable[[C, Signature], None] = lambda caller, operation: None,
) -> list[Route]:
    """Routes for every operation of ``protocol``, and the one that its reads share.

    ``bind`` makes the operations for one caller; ``authenticate`` finds the caller or raises; ``stranger`` is the
    caller of public operations. ``permit`` raises if a caller may not ask for an operation at all: before what they
    send is read.
    """
    made: list[Route] = []
    reads: dict[str, tuple[Signature, Perform[C]]] = {}
    for name, one in signatures(cast(Any, protocol)).items():
        perform = _performing(one, bind)
        if one.shares_round_trips:
            reads[name] = one, perform
        find_caller = stranger if one.declared.public else authenticate
        made.append(Route(one.path, _alone(one, perform, find_caller, permit), methods=["POST"]))
    made.append(Route(round_trip.PATH, _together(reads, authenticate, permit), methods=["POST"]))
    document = openapi(protocol)

    async def show(_: Request) -> Response:
        return Response(document, media_type="application/json")

    return [*made, Route("/openapi.json", show, methods=["GET"])]


def _performing(signature: Signature, bind: Callable[[C], P]) -> Perform[C]:
    decode = msgspec.json.Decoder(signature.arguments).decode
    encode = msgspec.json.Encoder().encode
    names = signature.arguments.__struct_fields__

    async def perform(caller: C, given: bytes, selection: bytes) -> Response:
        arguments: Any = decode(given)
        problems = signature.problems_of(arguments)
        if problems and signature.refuses:
            return Response(encode(Refusal(problems=problems)), media_type="application/json")
        if problems:
            raise MalformedInput(*problems[0].path, **problems[0].params)
        method = getattr(bind(caller), signature.python_name)
        result = await method(**{name: getattr(arguments, name) for name in names})
        if selection and (pick := picking(signature.result, selection)) and (picked := pick(result)) is not None:
            return Response(picked, round_trip.PICKED, media_type="application/json")
        return Response(encode(result), media_type="application/json")

    return perform


def _alone(
    one: Signature,
    perform: Perform[C],
    find_caller: Callable[[Request], Awaitable[C]],
    permit: Callable[[C, Signature], None],
) -> Endpoint:
    async def call(request: Request) -> Response:
        caller = await find_caller(request)
        permit(caller, one)
        (selection,) = round_trip.selections(request.headers.get(round_trip.HEADER), 1)
        return await perform(caller, await _body(request, one.largest) or b"{}", selection)

    return guarded(one.name, call)


def _together(
    reads: Mapping[str, tuple[Signature, Perform[C]]],
    authenticate: Callable[[Request], Awaitable[C]],
    permit: Callable[[C, Signature], None],
) -> Endpoint:
    async def answer_each(request: Request) -> Response:
        async with deadline.kept():
            caller = await authenticate(request)
            calls = round_trip.asked(await _body(request, MAX_BODY))
            selections = round_trip.selections(request.headers.get(round_trip.HEADER), len(calls))

        def one(name: str, arguments: bytes, selection: bytes) -> Awaitable[Response]:
            async def call(_: Request) -> Response:
                if name not in reads:
                    raise MalformedInput(expected="a read of this service that needs a token")
                operation, perform = reads[name]
                permit(caller, operation)
                return await perform(caller, arguments, selection)

            return guarded(name if name in reads else ROUND_TRIP, call)(request)

        answers = await asyncio.gather(
            *(one(*call, selection) for call, selection in zip(calls, selections, strict=True))
        )
        body = round_trip.encode([(one.status_code, msgspec.Raw(one.body)) for one in answers])
        return Response(body, media_type="application/json")

    async def answer(request: Request) -> Response:
        began = time.perf_counter()
        with tracing.trace(request.headers.get(tracing.HEADER)), _in_time_of(request):
            response = await _safely(ROUND_TRIP, answer_each, request)
            if response.status_code != 200:
                _note(ROUND_TRIP, response, began)
            return response

    return answer


def guarded(name: str, call: Endpoint) -> Endpoint:
    """An endpoint inside the request's trace and time, with its line in the log, its metric, its errors as problems."""

    async def call_in_time(request: Request) -> Response:
        async with deadline.kept():
            return await call(request)

    async def answer(request: Request) -> Response:
        began = time.perf_counter()
        with tracing.trace(request.headers.get(tracing.HEADER)), _in_time_of(request):
            response = await _safely(name, call_in_time, request)
            _note(name, response, began)
            return response

    return answer


def _in_time_of(request: Request) -> contextlib.AbstractContextManager[None]:
    return deadline.within(deadline.stated(request.headers.get(deadline.HEADER)))


def _note(name: str, response: Response, began: float) -> None:
    seconds = time.perf_counter() - began
    metrics.REQUEST_SECONDS.labels(name, f"{response.status_code // 100}xx").observe(seconds)
    often("answered", operation=name, status=response.status_code, ms=round(seconds * 1000, 2))


async def _safely(name: str, call: Endpoint, request: Request) -> Response:  # noqa: PLR0911 - one line a kind of failure
    try:
        return await call(request)
    except Unauthenticated:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # RFC 6750, section 3
        return respond(401, "Not signed in", "UNAUTHENTICATED", challenge)
    except Forbidden:
        return respond(403, "Not allowed", "FORBIDDEN")
    except MalformedInput as error:
        return respond(400, "Malformed input", "MALFORMED", path=error.path, params=error.params)
    except NOT_TEXT:
        return respond(400, "Malformed input", "MALFORMED", params={"reason": "CHARACTERS"})
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        detail, _, place = str(error).partition(" - at `$.")
        path = re.findall(r"[^.\[\]`]+", place)  # "reports[0].grams" is reports, 0, grams
        params = {"reason": "UNREADABLE", "detail": detail[:_LONGEST_DETAIL]}
        return respond(400, "Malformed input", "MALFORMED", path=path, params=params)
    except DeadlineExceeded:
        whole = "a change was made as a whole or not at all"
        return respond(504, "Not done in time", "DEADLINE_EXCEEDED", detail=whole)
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


async def _body(request: Request, largest: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise MalformedInput(expected=f"at most {largest} bytes")
    return bytes(body)
