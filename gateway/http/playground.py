"""The playground over HTTP: the page at ``/graphql``, its assets at ``/graphql/assets``.

The page runs only its own scripts and reaches no other origin. Inline styles are allowed, because the editor writes
``style`` attributes and ``<style>`` elements.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.http.content_coding import VARY, accepted_codings

CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "worker-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
}
"""The page's content security policy (CSP Level 3). ``'self'`` includes WebSockets to the page's origin."""

_ASSET_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""The content security policy of an asset, workers included."""

_IMMUTABLE = "public, max-age=31536000, immutable"  # RFC 8246: an asset's name has the hash of its content
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".ttf": "font/ttf"}
_ENCODINGS = {".br": "br", ".gz": "gzip"}
"""By preference."""

_NOT_BUILT = """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Kierto playground</title></head>
  <body>
    <h1>The playground is not built</h1>
    <p>Its packages could not be fetched from the npm registry when Kierto was started. The graph works without it:
    <code>POST /graphql</code>. To build it, run <code>python -m gateway.playground.build</code> where the registry can
    be reached, and start the gateway again.</p>
  </body>
</html>
"""


class PlaygroundPage(msgspec.Struct, frozen=True):
    """The page with its header fields."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


class Asset(msgspec.Struct, frozen=True):
    """A file of the page, as it is and in each content coding."""

    media_type: str
    path: Path
    encoded: Mapping[str, Path]

    def negotiate(self, accept_encoding: str) -> tuple[Path, dict[str, str]]:
        """Return the file for an ``Accept-Encoding`` (RFC 9110, section 12.5.3), and its header."""
        accepted = accepted_codings(accept_encoding)
        for encoding, path in self.encoded.items():
            if encoding in accepted:
                return path, {"Content-Encoding": encoding}
        return self.path, {}


def load_page(folder: Path, *, sign_in_first: bool) -> PlaygroundPage:
    """Return the built page of a folder, or one that explains how to build it.

    With ``sign_in_first`` the page shows only its sign-in form until a user signed in.
    """
    source = folder / "index.html"
    text = source.read_text(encoding="utf-8") if source.exists() else _NOT_BUILT
    if sign_in_first:
        text = text.replace("<html ", "<html data-sign-in-first ", 1)
    headers = {
        "content-type": "text/html; charset=utf-8",
        "vary": "Accept",
        "cache-control": "no-cache",
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in CONTENT_SECURITY_POLICY.items()),
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
    }
    return PlaygroundPage([(name.encode(), value.encode()) for name, value in headers.items()], text.encode())


def assets_route(folder: Path) -> Route:
    """``GET /graphql/assets/{name}``: the files of a built page."""
    assets = _find_assets(folder / "assets")

    async def send_asset(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("no such file", 404)
        path, encoding = asset.negotiate(request.headers.get("accept-encoding", ""))
        headers = {
            "Cache-Control": _IMMUTABLE,
            "Vary": VARY,
            "Content-Security-Policy": _ASSET_POLICY,
            **encoding,
        }
        return FileResponse(path, headers=headers, media_type=asset.media_type)

    return Route("/graphql/assets/{name}", send_asset)


def _find_assets(folder: Path) -> dict[str, Asset]:
    return {
        path.name: Asset(
            _MEDIA_TYPES[path.suffix],
            path,
            {name: file for ending, name in _ENCODINGS.items() if (file := Path(f"{path}{ending}")).exists()},
        )
        for path in folder.glob("*")
        if path.suffix in _MEDIA_TYPES
    }
