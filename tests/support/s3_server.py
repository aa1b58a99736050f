"""A peer that speaks the part of S3's protocol that a store of files needs, with its objects in memory.

It is no S3: it checks no signature, and knows what its author read of the protocol. ``KIERTO_TEST_S3_URL`` names a real
bucket instead (see ``tests/integration/chassis/files/conftest.py``).
"""

import asyncio
import contextlib
import datetime as dt
import functools
import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from email.utils import format_datetime
from urllib.parse import unquote
from xml.sax.saxutils import escape, unescape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.chassis.ids import new_uuid
from tests.support.http_server import serve_routes


class S3Server:
    """One bucket, named ``bucket``."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self._written: dict[str, dt.datetime] = {}
        self._parts: dict[str, dict[int, bytes]] = {}
        """The parts of unfinished uploads."""

    def routes(self) -> list[Route]:
        return [
            Route("/bucket", self._list, methods=["GET"]),
            Route("/bucket", self._delete_several, methods=["POST"]),
            Route("/bucket/{key:path}", self._object, methods=["GET", "PUT", "POST", "DELETE"]),
        ]

    async def _object(self, request: Request) -> Response:
        key, query = request.path_params["key"], request.query_params
        match request.method:
            case "PUT" if "uploadId" in query:
                part = await request.body()
                self._parts[query["uploadId"]][int(query["partNumber"])] = part
                return Response(headers={"ETag": _tag(part)})
            case "PUT" if source := request.headers.get("x-amz-copy-source"):
                content = self.objects.get(unquote(source).removeprefix("/").removeprefix("bucket/"))
                if content is None:
                    return _missing()
                self._put(key, content)
                return _xml("CopyObjectResult", f"<ETag>{_tag(content)}</ETag>")
            case "PUT":
                self._put(key, await request.body())
                return Response(headers={"ETag": _tag(self.objects[key])})
            case "POST" if "uploads" in query:
                upload_id = new_uuid().hex
                self._parts[upload_id] = {}
                return _xml("InitiateMultipartUploadResult", f"<UploadId>{upload_id}</UploadId>")
            case "POST":
                parts = self._parts.pop(query["uploadId"])
                self._put(key, b"".join(parts[number] for number in sorted(parts)))
                return _xml("CompleteMultipartUploadResult", f"<ETag>{_tag(self.objects[key])}</ETag>")
            case "DELETE" if "uploadId" in query:
                self._parts.pop(query["uploadId"], None)
                return Response(status_code=204)
            case "DELETE":
                self.objects.pop(key, None)
                return Response(status_code=204)
            case _:
                return self._get(key)

    def _get(self, key: str) -> Response:
        if key not in self.objects:
            return _missing()
        written = format_datetime(self._written[key], usegmt=True)
        return Response(self.objects[key], headers={"ETag": _tag(self.objects[key]), "Last-Modified": written})

    async def _list(self, request: Request) -> Response:
        prefix = request.query_params.get("prefix", "")
        after = request.query_params.get("continuation-token", "")
        keys = [key for key in sorted(self.objects) if key.startswith(prefix) and key > after]
        page = keys[: int(request.query_params.get("max-keys", 1000))]
        more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if len(keys) > len(page) else ""
        return _xml("ListBucketResult", more + "".join(self._entries(page)))

    async def _delete_several(self, request: Request) -> Response:
        assert "delete" in request.query_params
        keys = re.findall("<Key>(.*?)</Key>", (await request.body()).decode())
        for key in keys:
            self.objects.pop(unescape(key), None)
        return _xml("DeleteResult", "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys))

    def _entries(self, keys: Iterable[str]) -> Iterable[str]:
        for key in keys:
            content, written = self.objects[key], self._written[key].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            yield (
                f"<Contents><Key>{escape(key)}</Key><LastModified>{written}</LastModified><ETag>{_tag(content)}</ETag>"
                f"<Size>{len(content)}</Size></Contents>"
            )

    def _put(self, key: str, content: bytes) -> None:
        self.objects[key] = content
        self._written[key] = dt.datetime.now(dt.UTC)


@contextlib.contextmanager
def serve_in_thread() -> Iterator[str]:
    """Serve a bucket from a thread of its own, for callers that block theirs; yield the URL."""
    address: Future[str] = Future()

    async def serve() -> None:
        async with serve_routes(S3Server().routes()) as url:
            stop = asyncio.Event()
            stops.append(functools.partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set))
            address.set_result(url)
            await stop.wait()

    stops: list[Callable[[], object]] = []
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield address.result(20)
    finally:
        for stop in stops:
            stop()
        thread.join()


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()}"'


def _xml(name: str, content: str, status: int = 200) -> Response:
    return Response(f"<{name}>{content}</{name}>", status, media_type="application/xml")


def _missing() -> Response:
    return _xml("Error", "<Code>NoSuchKey</Code><Message>There is no such key.</Message>", 404)
