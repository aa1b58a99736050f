"""Client of a contract: an object with the Protocol's methods, each of which calls the service."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

import msgspec

from services.chassis.http.client import request
from services.chassis.http.client.request import FieldLines
from services.chassis.rpc.channel import CallFailed, ServiceChannel, caller_field_lines, decode_result
from services.chassis.rpc.deferred_call import DeferredCall
from services.chassis.rpc.signature import Signature, signatures

P = TypeVar("P")


AnonymousHeaders = Callable[[], Awaitable[Mapping[str, str]]]


def client(
    protocol: type[P],
    service: ServiceChannel,
    headers: Mapping[str, str] | FieldLines,
    *,
    anonymous_headers: AnonymousHeaders | None = None,
) -> P:
    """Return a client of ``protocol`` at ``service`` with the caller's headers (Authorization, Accept-Language).

    Several clients of one caller share its ``caller_field_lines``. ``anonymous_headers`` returns the additional headers
    of public operations.
    """
    fields = headers if isinstance(headers, bytes) else caller_field_lines(headers)
    return cast(P, _client_class(cast(Any, protocol))(service, fields, anonymous_headers))


@functools.cache
def _client_class(protocol: type) -> type[Any]:
    methods: dict[str, Any] = {one.python_name: _method(one) for one in signatures(protocol).values()}

    def init_raw(self: Any, service: ServiceChannel, fields: FieldLines) -> None:
        self.service, self.fields = service, fields

    def init(
        self: Any, service: ServiceChannel, fields: FieldLines, anonymous_headers: AnonymousHeaders | None
    ) -> None:
        init_raw(self, service, fields)
        self.anonymous_headers = anonymous_headers
        self.raw_client = raw_class(service, fields)

    raw_methods = {one.python_name: _deferred_method(one) for one in signatures(protocol).values()}
    raw_class = type(f"{protocol.__name__}RawClient", (), {"__init__": init_raw, **raw_methods})
    return type(f"{protocol.__name__}Client", (), {"__init__": init, **methods})


def _method(signature: Signature) -> Callable[..., Awaitable[Any]]:
    encode, arguments = msgspec.json.Encoder().encode, signature.arguments
    decode, public = msgspec.json.Decoder(signature.result).decode, signature.declared.public

    async def call(self: Any, *positional: Any, **named: Any) -> Any:
        given = arguments(*positional, **named)
        encoded = encode(given)
        if len(encoded) > signature.max_bytes:
            raise _too_large(self.service.name, signature, given)
        fields = self.fields
        if public and self.anonymous_headers is not None:
            fields = FieldLines(fields + request.field_lines(await self.anonymous_headers()))
        status, body = await self.service.call(signature, encoded, fields)
        return decode_result(self.service.name, status, body, decode)

    call.__name__ = signature.python_name
    return call


def _deferred_method(signature: Signature) -> Callable[..., DeferredCall]:
    encode, arguments, kind = msgspec.json.Encoder().encode, signature.arguments, signature.result

    def read(self: Any, *positional: Any, **named: Any) -> DeferredCall:
        given = arguments(*positional, **named)
        encoded = encode(given)
        if len(encoded) > signature.max_bytes:
            raise _too_large(self.service.name, signature, given)
        return DeferredCall(self.service, signature, kind, encoded, self.fields)

    read.__name__ = signature.python_name
    return read


def _too_large(service: str, signature: Signature, given: msgspec.Struct) -> CallFailed:
    """Return the failure of a call that exceeds the request's size, with the text that is too long if there is one."""
    for problem in signature.problems_of(given):
        return CallFailed(service, 400, problem.code, problem.path, problem.params)
    return CallFailed(service, 400, "TOO_LARGE", [], {"limit": str(signature.max_bytes)})
