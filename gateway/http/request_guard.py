"""Authentication and rate limit of the resources beside ``/graphql``."""

import msgspec
from starlette.requests import Request
from starlette.types import Scope

from gateway.authentication import AuthenticatedCaller
from gateway.context import GatewayDependencies, Requester, requester_of
from gateway.http.body import read_body
from gateway.rate_limit.base_cost import BYTES_PER_UNIT, base_cost_of
from gateway.rate_limit.limiter import RateLimiter
from gateway.rate_limit.policy import RateLimitStatus
from services.access.authentication import accepted_languages
from services.access.language import language_of
from services.chassis.problems import Unauthenticated
from services.contracts.identity.people import Language


class RequestGuard(msgspec.Struct, frozen=True):
    """The guard of resources: it charges ``cost`` units and the head's bytes; RateLimited if they can't be paid."""

    dependencies: GatewayDependencies
    rates: RateLimiter

    async def authenticate(self, request: Request, cost: int) -> Requester:
        """Return the requester, by its token if there is one; Unauthenticated if that is invalid or revoked.

        A request with an invalid token is charged to its address.
        """
        try:
            caller = await self.dependencies.authenticator.authenticate(request.headers.get("authorization", ""))
        except Unauthenticated:
            self._charge(request, None, cost)
            raise
        return self._charge(request, caller, cost)

    def anonymous(self, request: Request, cost: int) -> Requester:
        """Return the requester as an anonymous one, whatever token it has."""
        return self._charge(request, None, cost)

    async def read_body(self, request: Request, requester: Requester, limit: int) -> bytes:
        """Return the body of a request that is charged already, after charging its bytes."""
        body = await read_body(request.receive, limit)
        request.state.spent = None  # RateLimited has the header fields itself
        request.state.spent = self.rates.spend(requester, len(body) // BYTES_PER_UNIT)
        return body

    def _charge(self, request: Request, caller: AuthenticatedCaller | None, cost: int) -> Requester:
        requester = requester_of(request, self.dependencies, caller)
        request.state.language = requester.language
        request.state.spent = self.rates.spend(requester, cost + base_cost_of(head_size(request.scope)))
        return requester


def head_size(scope: Scope) -> int:
    """Return the bytes of a request's target and header fields."""
    fields = sum(len(name) + len(value) for name, value in scope["headers"])
    return fields + len(scope["raw_path"]) + len(scope["query_string"])


def response_language(request: Request) -> Language:
    """Return the language of the response: the requester's, once it is known."""
    language: Language | None = getattr(request.state, "language", None)
    return language or language_of(accepted_languages(request))


def spent_rate(request: Request) -> RateLimitStatus | None:
    """Return the rest of the requester's rate, once the request is charged."""
    spent: RateLimitStatus | None = getattr(request.state, "spent", None)
    return spent
