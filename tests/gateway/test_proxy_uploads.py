"""Uploads through the proxy: the limits, and the end of a transfer by either side."""

import asyncio

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.chassis.problems import problem_response
from tests.gateway.proxy_fixture import (
    CSV,
    MAX_BYTES,
    SHORT_TIMEOUT_LIMITS,
    endless,
    never_answers,
    proxy_before,
    proxy_to,
    proxy_to_script,
)
from tests.integration.chassis.http.client.scripted_server import Peer, run_script
from tests.support.polling import until


class UploadService:
    """A service that stages files: the complete ones, and the number of incomplete ones."""

    def __init__(self) -> None:
        self.whole: list[int] = []
        self.broken_off = 0
        self.began = asyncio.Event()
        self.headers: dict[str, str] = {}

    async def stage(self, request: Request) -> Response:
        self.headers = dict(request.headers)
        size = 0
        try:
            async for piece in request.stream():
                size += len(piece)
                self.began.set()
        except ClientDisconnect:
            self.broken_off += 1
            return Response(status_code=400)
        self.whole.append(size)
        return Response(b'{"id":"1"}', 201, {"X-Inside": "1", "Set-Cookie": "a=b"}, "application/json")


async def test_an_upload_is_forwarded_with_its_type_and_its_caller_only() -> None:
    taking = UploadService()
    async with proxy_to(taking.stage) as gateway:
        status, answer, fields = await gateway.post(
            b"x" * MAX_BYTES, Cookie="a=b", TE="trailers", Authorization="other"
        )
    assert (status, answer, taking.whole) == (201, {"id": "1"}, [MAX_BYTES])
    passed = {name for name in taking.headers if name not in {"host", "transfer-encoding"}}
    assert passed == {"authorization", "content-type", "traceparent"}
    assert taking.headers["authorization"] == "Bearer anna"
    assert taking.headers["content-type"] == CSV["Content-Type"]
    assert fields["X-Content-Type-Options"] == "nosniff"
    assert not {"X-Inside", "Set-Cookie", "Transfer-Encoding"} & set(fields)


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded", ""])
async def test_other_media_types_are_refused_with_accept(content_type: str) -> None:
    taking = UploadService()
    async with proxy_to(taking.stage) as gateway:
        status, problem, fields = await gateway.post_refused(b"x", **{"Content-Type": content_type})
    assert (status, problem["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert problem["expected"] == fields["Accept"] == "text/csv, text/calendar"
    assert taking.headers == {}


async def test_encoded_files_are_refused() -> None:
    taking = UploadService()
    async with proxy_to(taking.stage) as gateway:
        status, problem, fields = await gateway.post_refused(b"x", **{"Content-Encoding": "gzip"})
    assert (status, problem["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert (problem["expected"], fields["Accept-Encoding"]) == ("Content-Encoding: identity", "identity")
    assert taking.headers == {}


async def test_a_large_content_length_is_refused_before_the_body() -> None:
    taking = UploadService()
    async with proxy_to(taking.stage) as gateway:
        reader, writer = await gateway.connect()
        head = b"POST /file HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % (MAX_BYTES + 1))
        answer = await asyncio.wait_for(reader.readuntil(b'"limit":1000000'), 60)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"TOO_LARGE"' in answer
    assert taking.headers == {}


async def test_a_file_that_exceeds_the_limit_is_aborted() -> None:
    taking = UploadService()
    async with proxy_to(taking.stage) as gateway:
        status, problem, _ = await gateway.post_refused(endless())
        assert (status, problem) == (413, {"code": "TOO_LARGE", "limit": MAX_BYTES})
        await until(lambda: asyncio.sleep(0, taking.broken_off))
    assert taking.whole == []


async def test_a_client_that_disconnects_leaks_nothing() -> None:
    taking = UploadService()
    async with proxy_to(taking.stage) as gateway:
        _, writer = await gateway.connect()
        writer.write(b"POST /file HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 10\r\n\r\nhalf")
        await asyncio.wait_for(taking.began.wait(), 60)
        writer.transport.abort()
        await until(lambda: asyncio.sleep(0, taking.broken_off))
    assert taking.whole == []


async def test_a_client_that_stalls_has_a_timeout() -> None:
    taking = UploadService()
    async with proxy_to(taking.stage, SHORT_TIMEOUT_LIMITS) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"POST /file HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 10\r\n\r\nhalf")
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        await until(lambda: asyncio.sleep(0, taking.broken_off))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"BROKEN_OFF" in answer
    assert taking.whole == []


async def close_without_answer(peer: Peer) -> None:
    await peer.reader.readexactly(20_000)
    peer.reset()


async def test_a_service_that_dies_in_the_middle_of_an_upload() -> None:
    async with proxy_to_script(close_without_answer) as gateway:
        status, problem, fields = await gateway.post_refused(endless())
        assert (status, problem["code"], fields["Retry-After"]) == (503, "UNAVAILABLE", "1")


async def test_a_service_that_does_not_answer_an_upload() -> None:
    async with proxy_to_script(never_answers, SHORT_TIMEOUT_LIMITS) as gateway:
        status, problem, _ = await gateway.post_refused(b"a,b\n")
        assert (status, problem["code"]) == (504, "UNAVAILABLE")


async def test_an_early_refusal_of_the_service_is_forwarded_during_the_upload() -> None:
    async def refuses(request: Request) -> Response:
        params = {"reason": "MISSING_COLUMNS", "columns": "litres"}
        return problem_response(422, "Not such a file", "WRONG_FILE", params=params)

    async with proxy_to(refuses) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"POST /file HTTP/1.1\r\nHost: x\r\nAccept-Language: en\r\nContent-Type: text/csv\r\n")
        writer.write(b"Content-Length: 500000\r\n\r\nhalf")
        answer = await asyncio.wait_for(reader.readuntil(b"}}]}"), 60)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert b'{"message":"The file lacks these columns: litres.",' in answer
    assert b'{"code":"WRONG_FILE","reason":"MISSING_COLUMNS","columns":"litres"}' in answer


async def test_an_unreachable_service() -> None:
    async with run_script(never_answers) as server:
        url = server.url
    async with proxy_before(url) as gateway:
        assert (await gateway.post(b"a,b\n"))[0] == 503
        async with gateway.session.get(gateway.url) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "1")
