"""Who asks for a small resource beside ``/graphql``, and what that costs them of their rate: charged by its bytes."""

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
from services.contracts.identity import Language


class RequestGuard(msgspec.Struct, frozen=True):
    """Lets requests in, each for ``cost`` units and its head's bytes; RateLimited if its caller has no more."""

    dependencies: GatewayDependencies
    rates: RateLimiter

    async def authenticate(self, request: Request, cost: int) -> Requester:
        """Who asks, by their token, if they have one; Unauthenticated if it is not valid (any more).

        What comes with a token that is not valid is charged to its address.
        """
        try:
            caller = await self.dependencies.authenticator.authenticate(request.headers.get("authorization", ""))
        except Unauthenticated:
            self._charge(request, None, cost)
            raise
        return self._charge(request, caller, cost)

    def anonymous(self, request: Request, cost: int) -> Requester:
        """Whoever asks without a token, or for one."""
        return self._charge(request, None, cost)

    async def read_body(self, request: Request, asker: Requester, limit: int) -> bytes:
        """Return the whole body of a request that was let in, charged by its bytes before anybody reads it."""
        body = await read_body(request.receive, limit)
        request.state.spent = None  # a refusal says by itself what is left
        request.state.spent = self.rates.spend(asker, len(body) // BYTES_PER_UNIT)
        return body

    def _charge(self, request: Request, caller: AuthenticatedCaller | None, cost: int) -> Requester:
        asker = requester_of(request, self.dependencies, caller)
        request.state.language = asker.language
        request.state.spent = self.rates.spend(asker, cost + base_cost_of(head_size(request.scope)))
        return asker


def head_size(scope: Scope) -> int:
    """Return the bytes of a request's address and fields."""
    fields = sum(len(name) + len(value) for name, value in scope["headers"])
    return fields + len(scope["raw_path"]) + len(scope["query_string"])


def response_language(request: Request) -> Language:
    """The language to answer in: who asks is known if the request was let in."""
    known: Language | None = getattr(request.state, "language", None)
    return known or language_of(accepted_languages(request))


def spent_rate(request: Request) -> RateLimitStatus | None:
    """What a request that was let in has left of its caller's rate."""
    spent: RateLimitStatus | None = getattr(request.state, "spent", None)
    return spent
