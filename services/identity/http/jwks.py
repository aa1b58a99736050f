"""The keys that verify tokens, where clients look for them: ``GET /.well-known/jwks.json`` (RFC 7517, section 5)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.chassis.auth.tokens import Signer


def jwks_route(signer: Signer) -> Route:
    """The route. The answer may be kept for five minutes: a new key is published that long before it signs."""
    keys = signer.public_keys()

    async def show(_: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=300"}
        return Response(keys, headers=headers, media_type="application/jwk-set+json")

    return Route("/.well-known/jwks.json", show, methods=["GET"])
