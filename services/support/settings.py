"""The settings of support, beside those of every service."""

from services.chassis.runtime.settings import InvalidSettings, ServiceSettings, SocketAddress
from services.contracts.identity.people import Language
from services.support.domain.limits import MessageLimits

_MAX_LOCAL_PART = 16
"""Characters of an address before the @, so that those with a mail's name in it are not longer than 64."""


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
    bounce_address: str = ""
    """The address to which mails come back, with the mail's name in it; empty: they come back to their sender."""
    bounce_listen: SocketAddress | None = None
    """The address at which the worker takes the mails to ``bounce_address`` by SMTP; None: it takes none."""

    def __post_init__(self) -> None:
        local, at, domain = self.bounce_address.rpartition("@")
        if self.bounce_address and not (at and domain and 0 < len(local) <= _MAX_LOCAL_PART):
            expected = f"an address with at most {_MAX_LOCAL_PART} characters before the @"
            raise InvalidSettings(f"KIERTO_SUPPORT_BOUNCE_ADDRESS is wrong: expected {expected}")
        if self.bounce_listen and not self.bounce_address:
            raise InvalidSettings("KIERTO_SUPPORT_BOUNCE_LISTEN needs KIERTO_SUPPORT_BOUNCE_ADDRESS")
