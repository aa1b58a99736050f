"""A service's own token: for asking an owner what an event may not carry, in a caller's name where there is one."""

import datetime as dt
from collections.abc import Mapping

from services.chassis.auth.tokens import SERVICE_TOKEN_HEADER
from services.chassis.problems import NotReadyYet
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.runtime.clock import Clock
from services.contracts.identity import Identity
from services.contracts.values import Refusal

_RENEWAL_MARGIN = dt.timedelta(minutes=1)
_EXPIRED = dt.datetime.min.replace(tzinfo=dt.UTC)


class ServiceTokens:
    """Gets tokens from identity with the service's secret and keeps each until shortly before its end."""

    def __init__(self, service: str, secret: str, identity: ServiceChannel, clock: Clock) -> None:
        self._client_id = f"service:{service}"
        self._secret = secret
        self._identity = client(Identity, identity, {})
        self._clock = clock
        self._cached: dict[str, tuple[str, dt.datetime]] = {}

    async def headers(self, subject: str = "") -> dict[str, str]:
        """Return the header fields of a call that this service makes, for ``subject`` if one is named."""
        return {"Authorization": f"Bearer {await self._token(subject)}"}

    async def for_stranger(self) -> Mapping[str, str]:
        """Return the header field of a public operation, by which this service is known to be the one that calls."""
        return {SERVICE_TOKEN_HEADER: await self._token("")}

    async def _token(self, subject: str) -> str:
        token, until = self._cached.get(subject, ("", _EXPIRED))
        # By the clock that all processes go by, as those do who verify the token.
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
