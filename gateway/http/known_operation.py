"""The short way of a request: an operation that is known to be valid goes from bytes to plan to bytes.

Whatever is not of the usual form, or asked for the first time, takes the long way through Strawberry, which ends in the
same answer and knows the operation from then on.
"""

import time
from typing import Any

import msgspec
from graphql import OperationType

from gateway.context import Context
from gateway.errors import shown
from gateway.execution.documents import Known
from gateway.execution.operation_log import log_operation
from gateway.schema.build import KiertoSchema


class Request(msgspec.Struct, frozen=True):
    """The body of a request (GraphQL over HTTP, section 5.4.1)."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = msgspec.field(name="operationName", default=None)
    extensions: dict[str, Any] | None = None


class Asked(msgspec.Struct, frozen=True):
    """A request for an operation that is known."""

    request: Request
    known: Known


_read = msgspec.json.Decoder(Request).decode
_write = msgspec.json.Encoder().encode


def asked_of(schema: KiertoSchema, body: bytes) -> Asked | None:
    """The request in a body, if its operation is a query or a mutation that is known to be valid."""
    try:
        request = _read(body)
    except msgspec.DecodeError:
        return None
    known = schema.engine.known(request.query, request.operation_name)
    if known is None or known.operation.node.operation is OperationType.SUBSCRIPTION:
        return None
    return Asked(request, known)


async def answer(schema: KiertoSchema, asked: Asked, context: Context) -> bytes:
    """The answer to a known request, as JSON."""
    began = time.perf_counter()
    request = asked.request
    result = await schema.engine.execute_known(asked.known, request.variables, context, request.extensions)
    answered: dict[str, Any] = {"data": result.data}
    if result.errors:
        schema.process_errors(result.errors)
        answered["errors"] = [shown(error, context.language).formatted for error in result.errors]
    written = _write(answered)
    log_operation(request.operation_name or "", time.perf_counter() - began, failed=bool(result.errors))
    return written
