"""A service's own tokens, for calls to other services, also on behalf of a caller."""

import datetime as dt
from collections.abc import Mapping

from services.chassis.auth.tokens import SERVICE_TOKEN_HEADER
from services.chassis.problems import NotReadyYet
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.runtime.clock import Clock
from services.contracts.identity.operations import Identity
from services.contracts.values import Refusal

_RENEWAL_MARGIN = dt.timedelta(minutes=1)
_EXPIRED = dt.datetime.min.replace(tzinfo=dt.UTC)


class ServiceTokens:
    """A cache of tokens that identity issues for the service's secret. Each is renewed shortly before its expiry."""

    def __init__(self, service: str, secret: str, identity: ServiceChannel, clock: Clock) -> None:
        self._client_id = f"service:{service}"
        self._secret = secret
        self._identity = client(Identity, identity, {})
        self._clock = clock
        self._cached: dict[str, tuple[str, dt.datetime]] = {}

    async def headers(self, subject: str = "") -> dict[str, str]:
        """Return the header fields of a call by this service, on behalf of ``subject`` if one is given."""
        return {"Authorization": f"Bearer {await self._token(subject)}"}

    async def anonymous_headers(self) -> Mapping[str, str]:
        """Return the header field of a call for an anonymous caller, which authenticates this service."""
        return {SERVICE_TOKEN_HEADER: await self._token("")}

    async def _token(self, subject: str) -> str:
        token, until = self._cached.get(subject, ("", _EXPIRED))
        # The clock of all processes, which also verifies the token.
        if self._clock.now() > until:
            answer = await self._identity.client_token(self._client_id, self._secret, "", subject)
            if isinstance(answer, Refusal):
                raise NotReadyYet(f"identity gave {self._client_id} no token: {answer.problems[0].code}")
            token, until = (
                answer.access_token,
                self._clock.now() + dt.timedelta(seconds=answer.expires_in) - _RENEWAL_MARGIN,
            )
            if len(self._cached) > 1000:
                self._cached.clear()
            self._cached[subject] = (token, until)
        return token
