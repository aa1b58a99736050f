"""Who asks for a small resource beside ``/graphql``, and what that costs them of their rate."""

import msgspec
from starlette.requests import Request

from gateway.access import Caller
from gateway.context import Asker, Foundation, asker_of
from gateway.rate.policy import Spent
from gateway.rate.rates import Rates
from services.access.authentication import accepted_languages
from services.access.language import language_of
from services.contracts.identity import Language


class Entrance(msgspec.Struct, frozen=True):
    """Lets requests in, each for ``cost`` units; RateLimited if its caller has not so many left."""

    foundation: Foundation
    rates: Rates

    async def asker(self, request: Request, cost: int) -> Asker:
        """Who asks, by their token, if they have one; Unauthenticated if it is not valid (any more)."""
        caller = await self.foundation.access.caller_with(request.headers.get("authorization", ""))
        return self._let_in(request, caller, cost)

    def stranger(self, request: Request, cost: int) -> Asker:
        """Whoever asks without a token, or for one."""
        return self._let_in(request, None, cost)

    def _let_in(self, request: Request, caller: Caller | None, cost: int) -> Asker:
        asker = asker_of(request, self.foundation, caller)
        request.state.language = asker.language
        request.state.spent = self.rates.spend(asker, cost)
        return asker


def language_for(request: Request) -> Language:
    """The language to answer in: who asks is known if the request was let in."""
    known: Language | None = getattr(request.state, "language", None)
    return known or language_of(accepted_languages(request))


def spent_by(request: Request) -> Spent | None:
    """What a request that was let in has left of its caller's rate."""
    spent: Spent | None = getattr(request.state, "spent", None)
    return spent
