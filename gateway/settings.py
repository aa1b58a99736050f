"""The gateway's settings from its environment (``KIERTO_...``, or ``KIERTO_GATEWAY_...`` for it alone)."""

from pathlib import Path
from typing import Annotated

import msgspec

from gateway.persisted_documents.documents import CallerKind
from services.chassis.runtime.settings import Environment, InvalidSettings, ProcessSettings


class Quotas(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of cost that a caller of each kind may spend in a minute (JSON: ``{"user": 1000000}``).

    A gateway lets a caller spend a twentieth of it before it has leased more from Redis. The limit of an operation's
    cost, with the charge of its bytes, is less than that.
    """

    stranger: int = 1_200_000
    """Anonymous requesters, by address."""
    user: int = 1_200_000
    staff: int = 2_400_000
    partner: int = 2_400_000


class SocketLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sockets that a caller of each kind may hold at each gateway (JSON: ``{"partner": 5000}``).

    Anonymous sockets count by address. Beyond the limit the oldest of an address is closed, so that others behind the
    address can't keep out a client that is about to sign in. Signed-in sockets count by subject. Beyond the limit the
    newest is closed.
    """

    stranger: int = 500
    """Anonymous requesters, by address."""
    user: int = 100
    staff: int = 2_000
    partner: int = 2_000


class GatewaySettings(ProcessSettings, frozen=True, kw_only=True):
    """The settings of the gateway's process."""

    identity_url: str
    sites_url: str
    orders_url: str
    stats_url: str
    support_url: str
    kafka: str
    redis_url: str
    """Shares rates and registered documents between gateways; without it each gateway works by itself."""
    service_secret: str
    """The gateway's own at identity."""
    allowed_origins: list[str] = []
    """Origins (``["https://portal.example"]``) whose pages may send requests, beside the gateway's own."""
    trusted_proxies: list[str] = []
    """Networks (``["10.0.0.0/8"]``) of the proxies whose ``X-Forwarded-For`` is trusted."""
    gateways: int = 1
    """The number of the gateway's processes."""
    quotas: Quotas = Quotas()
    sockets: SocketLimits = SocketLimits()
    trusted_documents: Path | None = None
    """The manifest that ``kierto documents`` wrote."""
    trusted_only: list[CallerKind] = []
    """Kinds of callers (``["USER", "STAFF", "STRANGER"]``) that may execute trusted documents only."""
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "EUR"
    """The currency of prices (ISO 4217), for clients' forms. Each price has its own from the ERP."""
    hosts: list[str] = []
    """The gateway's host names (``["api.example"]``); empty: any, outside production only."""
    playground: bool | None = None
    """Whether the playground is served; None: outside production only."""

    def __post_init__(self) -> None:
        if self.env is Environment.PRODUCTION and not self.hosts:
            raise InvalidSettings('KIERTO_GATEWAY_HOSTS is missing (expected the names of hosts, ["api.example"])')

    @property
    def playground_enabled(self) -> bool:
        """Whether the playground is served."""
        return self.env is not Environment.PRODUCTION if self.playground is None else self.playground
