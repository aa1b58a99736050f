"""Requests whose heads came before, byte by byte: what such a head means is known, and ASGI is passed by.

To take a head apart, to hand it over in ASGI's messages and to put an answer together from them takes as long as a
small operation does. A client says the same of itself with request after request. So what an application made of a head
is remembered by the head's bytes, and a request that begins with the same ones is answered from that. Only the parser
ever says what a head means and where a body ends; what comes for the first time goes its way.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Mapping
from typing import Any, NamedTuple, Protocol

from starlette.types import Scope

MOST_BYTES = 8_000_000
"""Of heads that are remembered. If there are more, those are forgotten that were remembered first."""
_LONGEST = 8_000
_FRAMED_OTHERWISE = {b"transfer-encoding", b"upgrade", b"expect"}


class Answer(NamedTuple):
    """An answer: its fields are the application's own, never a client's words, and don't say how it is framed."""

    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes


class Application(Protocol):
    """Answers requests by what their heads mean."""

    def meaning(self, scope: Scope) -> Any:
        """What requests with this head have in common; None if each has to be looked at by itself."""
        ...

    def answer(self, meaning: Any, body: bytes) -> Awaitable[Answer]:
        """The answer to one of them. It never fails."""
        ...


class Known(NamedTuple):
    """A head that is remembered: the ``length`` of the body that follows it, and what it means to whom."""

    length: int
    meaning: Any
    application: Application


class KnownHeads:
    """The heads of requests to these applications, by their paths, from each address that sent them."""

    def __init__(self, applications: Mapping[str, Application]) -> None:
        self._applications = applications
        self._known: OrderedDict[tuple[bytes, str], Known] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def find(self, head: bytes, host: str) -> Known | None:
        """What is known of a head, to the end of its empty line, from this address."""
        return self._known.get((head, host))

    def learn(self, head: bytes, host: str, scope: Scope, length: int) -> None:
        """Remember what the parser made of a head, if its application says what that means.

        It found a body of ``length`` bytes behind it. A head that does not announce that, wants to be told to go on,
        or wants another protocol, is none to be remembered.
        """
        application = self._applications.get(scope["path"])
        if application is None or len(head) > _LONGEST or (head, host) in self._known:
            return
        said = dict(scope["headers"])
        if b"content-length" not in said or not said.keys().isdisjoint(_FRAMED_OTHERWISE):
            return
        meaning = application.meaning(scope)
        if meaning is None:
            return
        self._known[head, host] = Known(length, meaning, application)
        self._bytes += len(head)
        while self._bytes > MOST_BYTES:
            (oldest, _), _ = self._known.popitem(last=False)
            self._bytes -= len(oldest)
