"""Why a request had no answer. Each error says whether the server can have acted on it."""


class TransportError(Exception):
    """A request had no answer that can be used. ``sent``: some of it may have reached the server."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class ConnectionLost(TransportError):
    """There was no connection, or it ended before the answer was complete."""


class RequestTimeout(TransportError):
    """There was no complete answer in time."""


class MalformedResponse(TransportError):
    """What came is no answer: not HTTP, larger than is taken, more than it announced."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, sent=True)


class PoolExhausted(TransportError):
    """As many requests as may be are under way, and as many as may wait are waiting."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, sent=False)
