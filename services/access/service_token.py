"""A service's own token: for asking an owner what an event may not carry, in a caller's name where there is one."""

import time

from services.chassis.problems import NotReadyYet
from services.chassis.rpc.client import client
from services.chassis.rpc.service import Service
from services.contracts.identity import Identity
from services.contracts.values import Refusal

_EARLY_S = 60


class ServiceTokens:
    """Gets tokens from identity with the service's secret and keeps each until shortly before its end."""

    def __init__(self, service: str, secret: str, identity: Service) -> None:
        self._client_id = f"service:{service}"
        self._secret = secret
        self._identity = client(Identity, identity, {})
        self._kept: dict[str, tuple[str, float]] = {}

    async def headers(self, subject: str = "") -> dict[str, str]:
        """Headers for a call that this service makes, for ``subject`` if one is named."""
        token, until = self._kept.get(subject, ("", 0.0))
        if time.monotonic() > until:
            answer = await self._identity.client_token(self._client_id, self._secret, "", subject)
            if isinstance(answer, Refusal):
                raise NotReadyYet(f"identity gave {self._client_id} no token: {answer.problems[0].code}")
            token, until = answer.access_token, time.monotonic() + answer.expires_in - _EARLY_S
            if len(self._kept) > 1000:
                self._kept.clear()
            self._kept[subject] = (token, until)
        return {"Authorization": f"Bearer {token}"}
