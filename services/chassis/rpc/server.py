"""Server of a contract: a route an operation, with typed arguments and results.

``POST /rpc/<operation>`` takes the operation's parameters as one JSON object and responds with its result as JSON;
``POST /rpc`` takes several reads (see ``batch_protocol``). A refusal is a result. A violation of the contract is 400,
an invalid token 401, data that is about to arrive 503, an unexpected error 500, each with problem details that disclose
nothing internal. Work that exceeds the caller's deadline (see ``deadline``) is cancelled with 504; a write is one
transaction, so it took effect as a whole or not at all.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar, cast

import msgspec
from opentelemetry.trace import SpanKind
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from services.chassis.db.postgres import INVALID_TEXT_ERRORS, TRANSIENT_DATABASE_ERRORS
from services.chassis.problems import (
    Forbidden,
    MalformedInput,
    NotReadyYet,
    ReadAnew,
    Unauthenticated,
    problem_response,
)
from services.chassis.rpc import batch_protocol, call_spans
from services.chassis.rpc.batch_protocol import BATCH_OPERATION
from services.chassis.rpc.field_selection import selection_encoder
from services.chassis.rpc.openapi import openapi
from services.chassis.rpc.signature import MAX_BODY_BYTES, Signature, signatures
from services.chassis.runtime import deadline
from services.chassis.runtime.deadline import DeadlineExceeded
from services.chassis.telemetry import metrics, tracing
from services.chassis.telemetry.logging import log_buffered, logger
from services.contracts.values import Refusal

_log = logger(__name__)

P = TypeVar("P")
C = TypeVar("C")

_MAX_DETAIL = 200
"""Characters of the decoder's message at most, which quotes its input."""

RequestHandler = Callable[[Request], Awaitable[Response]]
PerformOperation = Callable[[C, bytes, bytes], Awaitable[Response]]
"""Function that performs an operation for a caller, with its arguments as JSON and the selection of its result."""


class Permit(Protocol[C]):
    """The decision whether a caller may perform an operation."""

    def check_caller(self, caller: C, operation: Signature) -> None:
        """Raise Unauthenticated or Forbidden for a caller who may not call an operation at all."""
        ...

    async def check_things(self, caller: C, operation: Signature, arguments: msgspec.Struct) -> C | Refusal:
        """Return the caller with the permissions on the things that a call is about; else, the refusal."""
        ...


def routes(
    protocol: type[P],
    bind: Callable[[C], P],
    authenticate: Callable[[Request], Awaitable[C]],
    anonymous: Callable[[Request], Awaitable[C]],
    permit: Permit[C],
) -> list[Route]:
    """Return the routes of every operation of ``protocol``, and that of its batches.

    ``bind`` returns the implementation for a caller; ``authenticate`` returns the caller or raises; ``anonymous``
    returns the caller of public operations. ``permit`` decides about the caller before the body is read, and about the
    things that a call is about before the implementation is called.
    """
    service = protocol.__name__.lower()
    endpoints: list[Route] = []
    reads: dict[str, tuple[Signature, PerformOperation[C]]] = {}
    for name, signature in signatures(cast(Any, protocol)).items():
        perform = _operation_performer(signature, bind, permit)
        if signature.batchable:
            reads[name] = signature, perform
        find_caller = anonymous if signature.declared.public else authenticate
        endpoint = _single_endpoint(service, signature, perform, find_caller, permit)
        endpoints.append(Route(signature.path, endpoint, methods=["POST"]))
    batch_endpoint = _batch_endpoint(service, reads, authenticate, permit)
    endpoints.append(Route(batch_protocol.PATH, batch_endpoint, methods=["POST"]))
    document = openapi(protocol)

    async def show(_: Request) -> Response:
        return Response(document, media_type="application/json")

    return [*endpoints, Route("/openapi.json", show, methods=["GET"])]


def _operation_performer(signature: Signature, bind: Callable[[C], P], permit: Permit[C]) -> PerformOperation[C]:
    decode = msgspec.json.Decoder(signature.arguments).decode
    encode = msgspec.json.Encoder().encode
    names, about_things = signature.arguments.__struct_fields__, bool(signature.things)
    normalise = signature.normalise

    async def perform(caller: C, body: bytes, selection: bytes) -> Response:
        arguments: Any = decode(body)
        problems = signature.problems_of(arguments)
        if problems and signature.may_refuse and signature.declared.kind == "write":
            return Response(encode(Refusal(problems=problems)), media_type="application/json")
        if problems:
            raise MalformedInput(*problems[0].path, **problems[0].params)
        if normalise is not None:
            normalise(arguments)
        if about_things:
            permitted = await permit.check_things(caller, signature, arguments)
            if isinstance(permitted, Refusal):
                return Response(encode(permitted), media_type="application/json")
            caller = permitted
        method = getattr(bind(caller), signature.python_name)
        result = await method(**{name: getattr(arguments, name) for name in names})
        if (
            selection
            and (encode_selected := selection_encoder(signature.result, selection))
            and (partial := encode_selected(result)) is not None
        ):
            return Response(partial, batch_protocol.PARTIAL_STATUS, media_type="application/json")
        return Response(encode(result), media_type="application/json")

    return perform


def _single_endpoint(
    service: str,
    signature: Signature,
    perform: PerformOperation[C],
    find_caller: Callable[[Request], Awaitable[C]],
    permit: Permit[C],
) -> RequestHandler:
    async def call(request: Request) -> Response:
        caller = await find_caller(request)
        permit.check_caller(caller, signature)
        (selection,) = batch_protocol.parse_selections(request.headers.get(batch_protocol.SELECTION_HEADER), 1)
        return await perform(caller, await _body(request, signature.max_bytes) or b"{}", selection)

    return instrumented(signature.name, call, service)


def _batch_endpoint(
    service: str,
    reads: Mapping[str, tuple[Signature, PerformOperation[C]]],
    authenticate: Callable[[Request], Awaitable[C]],
    permit: Permit[C],
) -> RequestHandler:
    async def answer_each(request: Request) -> Response:
        async with deadline.enforced():
            caller = await authenticate(request)
            calls = batch_protocol.decode_calls(await _body(request, MAX_BODY_BYTES))
            selections = batch_protocol.parse_selections(
                request.headers.get(batch_protocol.SELECTION_HEADER), len(calls)
            )

        def one(name: str, arguments: bytes, selection: bytes) -> Awaitable[Response]:
            async def call(_: Request) -> Response:
                if name not in reads:
                    raise MalformedInput(reason="UNREADABLE", detail="not a read of this service that needs a token")
                operation, perform = reads[name]
                permit.check_caller(caller, operation)
                return await perform(caller, arguments, selection)

            return instrumented(name if name in reads else BATCH_OPERATION, call, service, in_batch=True)(request)

        answers = await asyncio.gather(
            *(one(*call, selection) for call, selection in zip(calls, selections, strict=True))
        )
        body = batch_protocol.encode_responses([(one.status_code, msgspec.Raw(one.body)) for one in answers])
        return Response(body, media_type="application/json")

    async def answer(request: Request) -> Response:
        began, parent = time.perf_counter(), request.headers.get(tracing.HEADER)
        with (
            tracing.trace(parent),
            call_spans.server_span(service, BATCH_OPERATION, SpanKind.SERVER, parent) as span,
            _deadline_of(request),
        ):
            response = await _errors_as_problems(BATCH_OPERATION, answer_each, request)
            if response.status_code != 200:
                _record(BATCH_OPERATION, response, began)
            call_spans.record_server_status(span, response.status_code)
            return response

    return answer


def instrumented(name: str, call: RequestHandler, service: str = "", *, in_batch: bool = False) -> RequestHandler:
    """Wrap a handler with trace, span and deadline, a log line, a metric, and errors as problem details.

    ``service`` is that of a contract's operation. A call in a batch is a part of the batch's work.
    """
    kind = SpanKind.INTERNAL if in_batch else SpanKind.SERVER

    async def call_in_time(request: Request) -> Response:
        async with deadline.enforced():
            return await call(request)

    async def answer(request: Request) -> Response:
        began = time.perf_counter()
        parent = tracing.current() if in_batch else request.headers.get(tracing.HEADER)
        with (
            tracing.trace(parent),
            call_spans.server_span(service, name, kind, parent) as span,
            _deadline_of(request),
        ):
            response = await _errors_as_problems(name, call_in_time, request)
            _record(name, response, began)
            call_spans.record_server_status(span, response.status_code)
            return response

    return answer


def _deadline_of(request: Request) -> contextlib.AbstractContextManager[None]:
    return deadline.within(deadline.parse_timeout(request.headers.get(deadline.HEADER)))


def _record(name: str, response: Response, began: float) -> None:
    seconds = time.perf_counter() - began
    metrics.REQUEST_SECONDS.labels(name, f"{response.status_code // 100}xx").observe(seconds)
    log_buffered("request completed", operation=name, status=response.status_code, ms=round(seconds * 1000, 2))


async def _errors_as_problems(name: str, call: RequestHandler, request: Request) -> Response:  # noqa: PLR0911 - one line a kind of failure
    try:
        return await call(request)
    except Unauthenticated:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # RFC 6750, section 3
        return problem_response(401, "Not signed in", "UNAUTHENTICATED", challenge)
    except Forbidden:
        return problem_response(403, "Not allowed", "FORBIDDEN")
    except MalformedInput as error:
        return problem_response(400, "Malformed input", "MALFORMED", path=error.path, params=error.params)
    except ReadAnew:
        return problem_response(410, "Read anew", "READ_ANEW", path=["updatedAfter"])
    except INVALID_TEXT_ERRORS:
        return problem_response(400, "Malformed input", "MALFORMED", params={"reason": "CHARACTERS"})
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        detail, _, place = str(error).partition(" - at `$.")
        path = re.findall(r"[^.\[\]`]+", place)  # "reports[0].grams" is reports, 0, grams
        params = {"reason": "UNREADABLE", "detail": detail[:_MAX_DETAIL]}
        return problem_response(400, "Malformed input", "MALFORMED", path=path, params=params)
    except DeadlineExceeded:
        whole = "a change was made as a whole or not at all"
        return problem_response(504, "Not done in time", "DEADLINE_EXCEEDED", detail=whole)
    except NotReadyYet:
        return problem_response(503, "Not ready yet", "NOT_READY_YET", {"Retry-After": "1"})
    except TRANSIENT_DATABASE_ERRORS as error:
        _log.warning("unavailable", operation=name, error=type(error).__name__)
        return problem_response(503, "Unavailable", "UNAVAILABLE", {"Retry-After": "1"})
    except ClientDisconnect:
        return Response(status_code=499)
    except Exception:
        _log.exception("unexpected", operation=name)
        return problem_response(500, "Unexpected error", "UNEXPECTED")


async def _body(request: Request, largest: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise MalformedInput(reason="TOO_LONG", longest=str(largest))
    return bytes(body)
