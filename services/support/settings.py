"""The settings of support, beside those of every service."""

from services.chassis.runtime.settings import ServiceSettings
from services.contracts.identity.people import Language
from services.support.domain.limits import MessageLimits


class SupportSettings(ServiceSettings, frozen=True, kw_only=True):
    """The settings of support. ``message_limits`` (JSON): the most messages within an hour."""

    sites_url: str
    orders_url: str
    stats_url: str
    message_limits: MessageLimits = MessageLimits()
    public_url: str = ""
    """The gateway's address as people reach it, for links in mails; without it mails have none."""
    language: Language = Language.FI
    """The language of messages to people whose own is not known, and of tickets that Kierto itself opens."""
