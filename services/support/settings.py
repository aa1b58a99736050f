"""What support needs to be told beside what every service needs."""

from services.chassis.runtime.settings import ServiceSettings
from services.support.domain.limits import MessageLimits


class SupportSettings(ServiceSettings, frozen=True, kw_only=True):
    """Support's settings. ``message_limits`` (as JSON): how many messages are taken within an hour."""

    message_limits: MessageLimits = MessageLimits()
