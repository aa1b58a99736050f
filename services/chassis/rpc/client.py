"""The caller's end of a contract: an object with the Protocol's methods, each a request to the service."""

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
    """The operations of ``protocol`` at ``service``; ``headers`` say for whom (Authorization, Accept-Language).

    Who makes several clients for one caller makes ``caller_field_lines`` once. ``anonymous_headers`` gives the
    header fields that a public operation is called with beside them.
    """
    fields = headers if isinstance(headers, bytes) else caller_field_lines(headers)
    return cast(P, _client_class(cast(Any, protocol))(service, fields, anonymous_headers))


@functools.cache
def _client_class(protocol: type) -> type[Any]:
    methods: dict[str, Any] = {one.python_name: _method(one) for one in signatures(protocol).values()}

    def begin(self: Any, service: ServiceChannel, fields: FieldLines) -> None:
        self.service, self.fields = service, fields

    def begin_both(
        self: Any, service: ServiceChannel, fields: FieldLines, anonymous_headers: AnonymousHeaders | None
    ) -> None:
        begin(self, service, fields)
        self.anonymous_headers = anonymous_headers
        self.undecoded = twin(service, fields)

    undecoded_methods = {one.python_name: _deferred_method(one) for one in signatures(protocol).values()}
    twin = type(f"{protocol.__name__}UndecodedClient", (), {"__init__": begin, **undecoded_methods})
    made = {"__init__": begin_both, **methods}
    return type(f"{protocol.__name__}Client", (), made)


def _method(signature: Signature) -> Callable[..., Awaitable[Any]]:
    encode, arguments = msgspec.json.Encoder().encode, signature.arguments
    decode, public = msgspec.json.Decoder(signature.result).decode, signature.declared.public

    async def call(self: Any, *positional: Any, **named: Any) -> Any:
        given = arguments(*positional, **named)
        written = encode(given)
        if len(written) > signature.max_bytes:
            raise _too_large(self.service.name, signature, given)
        fields = self.fields
        if public and self.anonymous_headers is not None:
            fields = FieldLines(fields + request.field_lines(await self.anonymous_headers()))
        status, body = await self.service.call(signature, written, fields)
        return decode_result(self.service.name, status, body, decode)

    call.__name__ = signature.python_name
    return call


def _deferred_method(signature: Signature) -> Callable[..., DeferredCall]:
    encode, arguments, kind = msgspec.json.Encoder().encode, signature.arguments, signature.result

    def read(self: Any, *positional: Any, **named: Any) -> DeferredCall:
        given = arguments(*positional, **named)
        written = encode(given)
        if len(written) > signature.max_bytes:
            raise _too_large(self.service.name, signature, given)
        return DeferredCall(self.service, signature, kind, written, self.fields)

    read.__name__ = signature.python_name
    return read


def _too_large(service: str, signature: Signature, given: msgspec.Struct) -> CallFailed:
    """The failure of a call that its service would not read to the end: with the text that makes it so large."""
    for problem in signature.problems_of(given):
        return CallFailed(service, 400, problem.code, problem.path, problem.params)
    return CallFailed(service, 400, "MALFORMED", [], {"expected": f"at most {signature.max_bytes} bytes"})
