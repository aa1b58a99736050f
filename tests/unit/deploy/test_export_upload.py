"""Tests of the upload of an export: over the end of access tokens, and without a gateway."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.export_upload import upload_all
from deploy.graphql_client import GraphQLClient, GraphQLClientError
from tests.support.http_server import serve_routes


class GatewayStub:
    """A gateway whose access tokens expire with the first request that has them."""

    def __init__(self) -> None:
        self.tokens = 0
        self.used = 0
        self.polls = 0

    async def graphql(self, request: Request) -> Response:
        body = await request.json()
        if "signIn" in body["query"] or "refresh(" in body["query"]:
            assert "signIn" in body["query"] or body["variables"]["input"] == {"refreshToken": f"R{self.tokens}"}
            self.tokens += 1
            tokens = {"accessToken": f"A{self.tokens}", "refreshToken": f"R{self.tokens}", "expiresIn": 0}
            return JSONResponse({"data": {"session": {"__typename": "SignedIn", **tokens}}})
        self.use_token(request)
        if "startImport" in body["query"]:
            return JSONResponse({"data": {"startImport": {"__typename": "ImportStarted"}}})
        self.polls += 1
        counts = dict.fromkeys(("total", "done", "added", "changed", "unchanged", "failed"), 0)
        return JSONResponse({"data": {"import": {"state": "DONE" if self.polls == 2 else "RUNNING", **counts}}})

    async def upload(self, request: Request) -> Response:
        self.use_token(request)
        assert await request.body() == b"site_number\n"
        return JSONResponse({"id": "import_sites_1"}, 201)

    def use_token(self, request: Request) -> None:
        assert request.headers["Authorization"] == f"Bearer A{self.tokens}"
        assert self.tokens > self.used
        self.used = self.tokens


@pytest.fixture
async def url() -> AsyncIterator[str]:
    stub = GatewayStub()
    routes = [
        Route("/graphql", stub.graphql, methods=["POST"]),
        Route("/files/sites/import-sites", stub.upload, methods=["POST"]),
    ]
    async with serve_routes(routes) as address:
        yield address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sites.csv").write_text("site_number\n")
    return tmp_path


async def test_an_import_goes_on_over_the_end_of_access_tokens(url: str, folder: Path) -> None:
    async with GraphQLClient(url) as graph:
        await graph.sign_in("anna", "irrelevant")
        results = [result.kind async for result in upload_all(graph, folder, lambda *_: None)]
    assert results == ["sites"]


async def test_an_upload_without_a_gateway_is_an_error_of_one_sentence(folder: Path) -> None:
    async with GraphQLClient("http://127.0.0.1:9") as graph:
        with pytest.raises(GraphQLClientError, match=r"http://127\.0\.0\.1:9 did not answer"):
            await graph.upload("sites", folder / "sites.csv", "sites.csv")
