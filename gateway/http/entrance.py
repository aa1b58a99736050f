"""Who asks for a small resource beside ``/graphql``, and what that costs them of their rate: charged by its bytes."""

import msgspec
from starlette.requests import Request
from starlette.types import Scope

from gateway.access import Caller
from gateway.context import Asker, Foundation, asker_of
from gateway.http.body import whole
from gateway.rate.policy import Spent
from gateway.rate.price import BYTES_A_UNIT, price_of
from gateway.rate.rates import Rates
from services.access.authentication import accepted_languages
from services.access.language import language_of
from services.chassis.problems import Unauthenticated
from services.contracts.identity import Language


class Entrance(msgspec.Struct, frozen=True):
    """Lets requests in, each for ``cost`` units and its head's bytes; RateLimited if its caller has no more."""

    foundation: Foundation
    rates: Rates

    async def asker(self, request: Request, cost: int) -> Asker:
        """Who asks, by their token, if they have one; Unauthenticated if it is not valid (any more).

        What comes with a token that is not valid is charged to its address.
        """
        try:
            caller = await self.foundation.access.caller_with(request.headers.get("authorization", ""))
        except Unauthenticated:
            self._let_in(request, None, cost)
            raise
        return self._let_in(request, caller, cost)

    def stranger(self, request: Request, cost: int) -> Asker:
        """Whoever asks without a token, or for one."""
        return self._let_in(request, None, cost)

    async def body(self, request: Request, asker: Asker, limit: int) -> bytes:
        """Return the whole body of a request that was let in, charged by its bytes before anybody reads it."""
        body = await whole(request.receive, limit)
        request.state.spent = None  # a refusal says by itself what is left
        request.state.spent = self.rates.spend(asker, len(body) // BYTES_A_UNIT)
        return body

    def _let_in(self, request: Request, caller: Caller | None, cost: int) -> Asker:
        asker = asker_of(request, self.foundation, caller)
        request.state.language = asker.language
        request.state.spent = self.rates.spend(asker, cost + price_of(size_of_head(request.scope)))
        return asker


def size_of_head(scope: Scope) -> int:
    """Return the bytes of a request's address and fields."""
    fields = sum(len(name) + len(value) for name, value in scope["headers"])
    return fields + len(scope["raw_path"]) + len(scope["query_string"])


def language_for(request: Request) -> Language:
    """The language to answer in: who asks is known if the request was let in."""
    known: Language | None = getattr(request.state, "language", None)
    return known or language_of(accepted_languages(request))


def spent_by(request: Request) -> Spent | None:
    """What a request that was let in has left of its caller's rate."""
    spent: Spent | None = getattr(request.state, "spent", None)
    return spent
