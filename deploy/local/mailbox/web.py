"""The mailbox over HTTP: two pages for people, a JSON API for tests."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from deploy.local.mailbox.pages import CONTENT_SECURITY_POLICY, list_page, mail_page
from deploy.local.mailbox.parser import full, summary
from deploy.local.mailbox.store import MailStore

_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def web(store: MailStore) -> Starlette:
    """Build the application: `/`, `/messages/{id}`; `/api/messages?to=`, `/api/messages/{id}`; `/livez`, `/readyz`."""

    async def show_list(request: Request) -> Response:
        to = request.query_params.get("to") or None
        return HTMLResponse(list_page([summary(mail) for mail in store.newest(to)], to), headers=_HEADERS)

    async def show_mail(request: Request) -> Response:
        mail = store.get(request.path_params["id"])
        if mail is None:
            return PlainTextResponse("There is no such mail.", 404)
        return HTMLResponse(mail_page(full(mail)), headers=_HEADERS)

    async def list_messages(request: Request) -> Response:
        mails = store.newest(request.query_params.get("to") or None)
        return JSONResponse({"messages": [summary(mail) for mail in mails]})

    async def get_message(request: Request) -> Response:
        mail = store.get(request.path_params["id"])
        return JSONResponse(full(mail)) if mail else JSONResponse({"title": "There is no such mail."}, 404)

    async def well(request: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(
        routes=[
            Route("/", show_list),
            Route("/messages/{id:int}", show_mail),
            Route("/api/messages", list_messages),
            Route("/api/messages/{id:int}", get_message),
            Route("/livez", well),
            Route("/readyz", well),
        ]
    )
