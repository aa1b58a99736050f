"""The settings of support, beside those of every service."""

from services.chassis.runtime.settings import ServiceSettings
from services.support.domain.limits import MessageLimits


class SupportSettings(ServiceSettings, frozen=True, kw_only=True):
    """The settings of support. ``message_limits`` (JSON): the most messages within an hour."""

    sites_url: str
    orders_url: str
    message_limits: MessageLimits = MessageLimits()
