"""The JSON Web Key Set that verifies tokens (RFC 7517, section 5): ``GET /.well-known/jwks.json``."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.chassis.auth.tokens import Signer


def jwks_route(signer: Signer) -> Route:
    """Return the route. Its response may be cached for five minutes: a new key is published so long before it signs."""
    key_set = signer.public_keys()

    async def show(_: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=300"}
        return Response(key_set, headers=headers, media_type="application/jwk-set+json")

    return Route("/.well-known/jwks.json", show, methods=["GET"])
