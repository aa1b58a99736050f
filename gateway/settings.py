"""What the gateway reads from its environment (``KIERTO_...``, or ``KIERTO_GATEWAY_...`` for it alone)."""

from services.chassis.settings import ProcessSettings


class GatewaySettings(ProcessSettings, frozen=True, kw_only=True):
    """Where the five services and the broker are. ``service_secret`` is the gateway's own at identity."""

    identity_url: str
    sites_url: str
    orders_url: str
    stats_url: str
    support_url: str
    kafka: str
    service_secret: str
