"""The caller's end of a contract: an object with the Protocol's methods, each a request to the service."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import aiohttp
import msgspec

from services.chassis import tracing
from services.chassis.rpc.signature import Signature, signatures
from services.chassis.rpc.undecoded import Undecoded

P = TypeVar("P")


class CallFailed(Exception):
    """A call had no result: the service refused it as malformed, unauthenticated, or could not answer."""

    def __init__(
        self, service: str, status: int, code: str, path: list[str], params: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{service} answered {status} {code}")
        self.service = service
        self.status = status
        self.code = code
        self.path = path
        self.params = params or {}


class _Problem(msgspec.Struct):
    code: str = "UNEXPECTED"
    path: list[str] = []
    params: dict[str, str] = {}


class Service:
    """A way to one service: its address and the connections to it, shared by all calls."""

    def __init__(self, name: str, url: str, session: aiohttp.ClientSession, timeout_s: float = 10.0) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def post(self, path: str, body: bytes, headers: dict[str, str], *, repeatable: bool) -> bytes:
        """POST, and the body of a 200; CallFailed for all else. A read is tried twice on a lost connection."""
        headers = {tracing.HEADER: tracing.traceparent(), "Content-Type": "application/json", **headers}
        for left in (1, 0) if repeatable else (0,):
            try:
                async with self._session.post(
                    self.url + path, data=body, headers=headers, timeout=self._timeout
                ) as response:
                    answer = await response.read()
                    if response.status == 200:
                        return answer
                    raise _failure(self.name, response.status, answer)
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
                if not left:
                    raise CallFailed(self.name, 503, "UNAVAILABLE", []) from error
            except TimeoutError as error:
                raise CallFailed(self.name, 504, "TIMED_OUT", []) from error
        raise AssertionError("unreachable")


def client(protocol: type[P], service: Service, headers: dict[str, str]) -> P:
    """The operations of ``protocol`` at ``service``; ``headers`` say for whom (Authorization, Accept-Language)."""
    return cast(P, _class(cast(Any, protocol))(service, headers))


@functools.cache
def _class(protocol: type) -> type[Any]:
    methods: dict[str, Any] = {one.python_name: _method(one) for one in signatures(protocol).values()}

    def begin(self: Any, service: Service, headers: dict[str, str]) -> None:
        self.service, self.headers = service, headers

    undecoded_methods = {one.python_name: _method(one, decoded=False) for one in signatures(protocol).values()}
    twin = type(f"{protocol.__name__}UndecodedClient", (), {"__init__": begin, **undecoded_methods})
    made = {"__init__": begin, "undecoded": property(lambda self: twin(self.service, self.headers)), **methods}
    return type(f"{protocol.__name__}Client", (), made)


def _method(signature: Signature, *, decoded: bool = True) -> Callable[..., Awaitable[Any]]:
    path = f"/rpc/{signature.name}"
    encode = msgspec.json.Encoder().encode
    decode = msgspec.json.Decoder(signature.result).decode
    arguments = signature.arguments
    repeatable = signature.declared.kind == "read"

    async def call(self: Any, *positional: Any, **named: Any) -> Any:
        body = encode(arguments(*positional, **named))
        answer = await self.service.post(path, body, self.headers, repeatable=repeatable)
        return decode(answer) if decoded else Undecoded(answer, signature.result)

    call.__name__ = signature.python_name
    return call


def _failure(service: str, status: int, body: bytes) -> CallFailed:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()
    return CallFailed(service, status, problem.code, problem.path, problem.params)
