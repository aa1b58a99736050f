"""Test of the page in production: anonymous callers see only the form for signing in."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http.playground import assets_route, load_page
from tests.browser.visitor import PlaygroundVisitor


@pytest.fixture
def production_page(built_page: Path) -> Iterator[str]:
    """The page alone, as a gateway in production serves it."""
    page = load_page(built_page, sign_in_first=True)

    async def graphql(_: Request) -> Response:
        return Response(page.body, headers={name.decode(): value.decode() for name, value in page.headers})

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/graphql", graphql), assets_route(built_page)])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def test_an_anonymous_caller_sees_only_the_sign_in_form(browser: Browser, production_page: str) -> None:
    with PlaygroundVisitor(browser, production_page) as visitor:
        visitor.page.goto(f"{production_page}/graphql")
        expect(visitor.page.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(visitor.page.get_by_label("Username")).to_be_focused()
        visitor.page.wait_for_load_state("networkidle")
        expect(visitor.page.locator(".graphiql-container")).to_have_count(0)
        expect(visitor.page.get_by_role("button", name="Examples")).to_have_count(0)
        assert visitor.console == []
