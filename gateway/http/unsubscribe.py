"""The address by which the recipient of a message switches its kind off (RFC 8058): without signing in.

A mail program sends ``POST`` by itself, at one click. A person who opens the link gets a page with a button: programs
that look at links in mails change nothing by it.
"""

import html

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http.request_guard import RequestGuard
from gateway.http.resource import NO_STORE, resource
from gateway.messages import text
from services.contracts.identity.people import Language
from services.contracts.support.messages import Subscription
from services.contracts.values import Refusal

_COST = 10
_MAX_BODY = 1_000
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_HEADERS = {
    **NO_STORE,
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_PAGE = """<!doctype html>
<html lang="{language}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <meta name="color-scheme" content="light dark">
    <title>{title}</title>
    <style>
      body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 36em; margin: 3em auto; padding: 0 1em; }}
      h1 {{ line-height: 1.2; }}
      button {{ font: inherit; padding: .5em 1em; }}
    </style>
  </head>
  <body>
    <main>
      <h1>{title}</h1>
      <p>{paragraph}</p>{form}
    </main>
  </body>
</html>
"""
_FORM = """
      <form method="post"><button name="List-Unsubscribe" value="One-Click">{button}</button></form>"""


def unsubscribe_route(guard: RequestGuard) -> Route:
    """``GET`` and ``POST /unsubscribe/{token}``."""

    async def show_subscription(request: Request) -> Response:
        requester = guard.anonymous(request, _COST)
        found = await requester.clients.support.subscription(request.path_params["token"])
        return _page(found, requester.language)

    async def unsubscribe(request: Request) -> Response:
        requester = guard.anonymous(request, _COST)
        await guard.read_body(request, requester, _MAX_BODY)
        done = await requester.clients.support.unsubscribe(request.path_params["token"])
        return _page(done, requester.language)

    return resource("/unsubscribe/{token}", GET=show_subscription, POST=unsubscribe)


def _page(subscription: Subscription | Refusal, language: Language) -> Response:
    if isinstance(subscription, Refusal):
        return _response(404, language, "UNSUBSCRIBE", text("UNKNOWN_LINK", language))
    if subscription.enabled:
        form = _FORM.format(button=html.escape(text("UNSUBSCRIBE.BUTTON", language)))
        return _response(200, language, "UNSUBSCRIBE", subscription.description, form)
    return _response(200, language, "UNSUBSCRIBE.DONE", subscription.description)


def _response(status: int, language: Language, title: str, paragraph: str, form: str = "") -> Response:
    page = _PAGE.format(
        language=language.value,
        title=html.escape(text(title, language)),
        paragraph=html.escape(paragraph),
        form=form,
    )
    return Response(page, status, _HEADERS, "text/html")
