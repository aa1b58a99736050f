"""The HTTP client of the Python contestants, the same as that of the gateway."""

from services.chassis.http.client.origin import Origin
from services.chassis.http.client.request import FieldLines, RequestPrefix


class Backend:
    """Client of one service."""

    def __init__(self, url: str) -> None:
        self._origin = Origin(url)

    def start(self, path: str) -> RequestPrefix:
        """Return the beginning of requests for ``path``, made once."""
        return self._origin.start("POST", path)

    async def post(self, start: RequestPrefix, body: bytes, fields: FieldLines) -> bytes:
        """Return the body of a whole or partial result; raise RuntimeError for any other response."""
        response = await self._origin.request(start, fields, body, timeout_s=10)
        if response.status not in (200, 206):
            raise RuntimeError(f"status {response.status}")
        return response.body
