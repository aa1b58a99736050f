"""Rate limit policies, and the status of a caller under one."""

import re
from collections.abc import Sequence

import msgspec

from services.chassis.http.server.endpoint import HeaderField

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class Policy(msgspec.Struct, frozen=True):
    """The rate limit of each caller of a kind."""

    name: str
    """The name in header fields, and in keys in Redis."""
    quota: int
    """Units of cost in a window."""
    window_s: int
    """The length of a window in seconds."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.quota < 1 or self.window_s < 1:
            raise ValueError(f"invalid policy: {self.name!r}, {self.quota} units in {self.window_s} s")


class RateLimitStatus(msgspec.Struct, frozen=True, gc=False):
    """The result of charging a request's cost to its caller."""

    remaining: int
    """Units left in the window, as far as this gateway knows: charges of other gateways since the last lease are not
    included."""
    resets_in: int
    """Seconds until the window ends."""
    headers: "RateLimitHeaders"
    retry_after: int = 0
    """Seconds; 0 if the request was admitted."""

    @property
    def allowed(self) -> bool:
        return not self.retry_after

    def fields(self) -> Sequence[HeaderField]:
        """Return the header fields of draft-ietf-httpapi-ratelimit-headers-11, and ``Retry-After`` for a refusal.

        The quota counts units of cost, for which the draft's parameter ``qu`` has no name.
        """
        limit = (b"ratelimit", self.headers.limit % (self.remaining, self.resets_in))
        if self.retry_after:
            return self.headers.policy, limit, (b"retry-after", b"%d" % self.retry_after)
        return self.headers.policy, limit


class RateLimitHeaders(msgspec.Struct, frozen=True, gc=False):
    """The header fields of a policy."""

    policy: HeaderField
    """``RateLimit-Policy``."""
    limit: bytes
    """The value of ``RateLimit``, with placeholders for the remaining units and the seconds until the reset."""
    restore_rate: int
    """The units that a caller may spend in a second, on average."""

    @classmethod
    def of(cls, policy: Policy) -> "RateLimitHeaders":
        name = policy.name.encode()
        value = b'"%b";q=%d;w=%d' % (name, policy.quota, policy.window_s)
        return cls((b"ratelimit-policy", value), b'"%b";r=%%d;t=%%d' % name, policy.quota // policy.window_s)
