"""The HTTP client of the Python contestants: the one that our gateway has."""

import aiohttp


class Backend:
    """A way to one service."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100, keepalive_timeout=30))

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        """The body of a 200; RuntimeError for all else."""
        async with self._session.post(self._url + path, data=body, headers=headers) as response:
            if response.status != 200:
                raise RuntimeError(f"{path} answered {response.status}")
            return await response.read()
