"""The HTTP client of the Python contestants: the one that our gateway has."""

from services.chassis.http.client.origin import Origin
from services.chassis.http.client.request import FieldLines, RequestPrefix


class Backend:
    """A way to one service."""

    def __init__(self, url: str) -> None:
        self._origin = Origin(url)

    def start(self, path: str) -> RequestPrefix:
        """The beginning of requests for ``path``, made once."""
        return self._origin.start("POST", path)

    async def post(self, start: RequestPrefix, body: bytes, fields: FieldLines) -> bytes:
        """The body of a result, of which only a part may be there; RuntimeError for all else."""
        answer = await self._origin.request(start, fields, body, timeout_s=10)
        if answer.status not in (200, 206):
            raise RuntimeError(f"answered {answer.status}")
        return answer.body
