"""What the gateway reads from its environment (``KIERTO_...``, or ``KIERTO_GATEWAY_...`` for it alone)."""

from pathlib import Path

import msgspec

from gateway.persisted_documents.documents import CallerKind
from services.chassis.runtime.settings import Environment, InvalidSettings, ProcessSettings


class Quotas(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of cost that a caller of each kind may spend in a minute (JSON: ``{"user": 1000000}``).

    A twentieth of it can be spent at once, while a gateway asks the others what is left: the dearest operation that is
    allowed fits in there, with the price of its bytes.
    """

    stranger: int = 1_200_000
    user: int = 1_200_000
    staff: int = 2_400_000
    partner: int = 2_400_000


class SocketLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sockets that a caller of each kind may hold at each gateway (JSON: ``{"partner": 5000}``).

    Sockets that nobody signed in on count by address: beyond the limit the oldest of an address makes room for the
    newest, so that strangers behind one address do not keep out those who are about to sign in. The others count by
    subject: beyond the limit the newest is closed.
    """

    stranger: int = 500
    user: int = 100
    staff: int = 2_000
    partner: int = 2_000


class GatewaySettings(ProcessSettings, frozen=True, kw_only=True):
    """Where the five services and the broker are. ``service_secret`` is the gateway's own at identity.

    ``allowed_origins``: origins (``["https://portal.example"]``) whose pages may ask, beside the gateway's own.
    ``trusted_proxies``: networks (``["10.0.0.0/8"]``) of the proxies in front of it, whose ``X-Forwarded-For`` counts.
    ``redis_url``: where gateways share rates and registered documents; if it is away, each goes on by itself.
    ``gateways``: how many processes there are. ``quotas``: units of cost a minute for each caller, by kind.
    ``sockets``: how many a caller of each kind may hold.
    ``trusted_documents``: the manifest that ``kierto documents`` wrote; ``trusted_only``: who may execute nothing else
    (``["USER", "STAFF", "STRANGER"]``).
    ``hosts``: the names by which clients know it (``["api.example"]``); outside production it answers for any.
    ``playground``: whether browsers are shown a page to try things on; unless it is said, not in production.
    """

    identity_url: str
    sites_url: str
    orders_url: str
    stats_url: str
    support_url: str
    kafka: str
    redis_url: str
    service_secret: str
    allowed_origins: list[str] = []
    trusted_proxies: list[str] = []
    gateways: int = 1
    quotas: Quotas = Quotas()
    sockets: SocketLimits = SocketLimits()
    trusted_documents: Path | None = None
    trusted_only: list[CallerKind] = []
    hosts: list[str] = []
    playground: bool | None = None

    def __post_init__(self) -> None:
        if self.env is Environment.PRODUCTION and not self.hosts:
            raise InvalidSettings('KIERTO_GATEWAY_HOSTS is missing (expected the names of hosts, ["api.example"])')

    @property
    def playground_enabled(self) -> bool:
        """Whether browsers are shown the page."""
        return self.env is not Environment.PRODUCTION if self.playground is None else self.playground
