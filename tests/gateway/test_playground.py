"""The playground's page and assets over HTTP; ``tests/browser`` tests the page itself."""

import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from starlette.applications import Starlette

from gateway.http.playground import assets_route, load_page
from tests.gateway.gateway_fixture import serve_application

SCRIPT = b"console.log('hello')\n" * 20
HTML = '<!doctype html>\n<html lang="en">\n<body>the page</body></html>\n'


@pytest.fixture
def built_page(tmp_path: Path) -> Path:
    """Write the files of a built page."""
    assets = tmp_path / "built" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "built" / "index.html").write_text(HTML)
    (tmp_path / "secret.js").write_text("not to be served")
    for name, text in {"main-AB12.js": SCRIPT, "main-CD34.css": b"p {}", "icon-EF56.svg": b"<svg/>"}.items():
        (assets / name).write_bytes(text)
    (assets / "main-AB12.js.br").write_bytes(b"as Brotli")
    (assets / "main-AB12.js.gz").write_bytes(gzip.compress(SCRIPT))
    return tmp_path / "built"


Get = Callable[..., "aiohttp.client._RequestContextManager"]


@pytest.fixture
async def get_page(built_page: Path) -> AsyncIterator[Get]:
    async with (
        serve_application(Starlette(routes=[assets_route(built_page)])) as url,
        aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as session,
    ):
        yield lambda name, **headers: session.get(f"{url}/graphql/assets/{name}", headers=headers)


async def test_an_asset_is_immutable(get_page: Get) -> None:
    async with get_page("main-AB12.js") as response:
        assert (response.status, await response.read()) == (200, SCRIPT)
        assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0, gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br; q=0.0, gzip;q=0", None),
        ("deflate", None),
        ("", None),
    ],
)
async def test_an_asset_is_sent_in_an_accepted_encoding(get_page: Get, accepted: str, encoding: str | None) -> None:
    bodies = {"br": b"as Brotli", None: SCRIPT}
    async with get_page("main-AB12.js", **{"Accept-Encoding": accepted}) as response:
        assert response.headers.get("Content-Encoding") == encoding
        body = await response.read()
        assert (gzip.decompress(body) if encoding == "gzip" else body) == bodies.get(encoding, SCRIPT)


@pytest.mark.parametrize("name", ["main-CD34.css", "icon-EF56.svg"])
async def test_an_asset_without_encodings_is_sent_unencoded(get_page: Get, name: str) -> None:
    async with get_page(name, **{"Accept-Encoding": "br, gzip"}) as response:
        assert response.status == 200
        assert "Content-Encoding" not in response.headers


@pytest.mark.parametrize(
    "name",
    ["main-XX99.js", "main-AB12.js.br", "index.html", "../index.html", "..%2f..%2fsecret.js", "%2e%2e/secret.js"],
)
async def test_nothing_else_is_served(get_page: Get, name: str) -> None:
    async with get_page(name) as response:
        assert response.status == 404
        assert "immutable" not in response.headers.get("Cache-Control", "")


def test_the_page_may_run_its_own_scripts_only(built_page: Path) -> None:
    shown = load_page(built_page, sign_in_first=False)
    headers = dict(shown.headers)
    policy = headers[b"content-security-policy"].decode()
    assert policy.startswith("default-src 'none'; script-src 'self'; worker-src 'self';")
    script = next(one for one in policy.split("; ") if one.startswith("script-src"))
    assert "unsafe" not in script
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy, "no other origin"
    assert headers[b"cache-control"] == b"no-cache"
    assert shown.body.decode() == HTML


def test_the_page_can_require_signing_in(built_page: Path) -> None:
    assert b"<html data-sign-in-first lang=" in load_page(built_page, sign_in_first=True).body


async def test_without_a_build_the_page_explains_how_to_build_it(tmp_path: Path) -> None:
    shown = load_page(tmp_path / "nothing", sign_in_first=False)
    assert b"python -m gateway.playground.build" in shown.body
    assert b"<script" not in shown.body
    async with (
        serve_application(Starlette(routes=[assets_route(tmp_path / "nothing")])) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/graphql/assets/main-AB12.js") as response,
    ):
        assert response.status == 404
