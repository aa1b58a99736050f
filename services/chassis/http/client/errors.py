"""Errors of requests without a response. Each tells whether the server may have acted on the request."""


class TransportError(Exception):
    """A request had no usable response."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent
        """Whether a part of the request may have reached the server."""


class ConnectionLost(TransportError):
    """There was no connection, or it ended before the response was complete."""


class RequestTimeout(TransportError):
    """There was no complete response in time."""


class MalformedResponse(TransportError):
    """The received bytes are not HTTP, too large, or more than announced."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, sent=True)


class PoolExhausted(TransportError):
    """All connections are busy and the queue for them is full."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, sent=False)
