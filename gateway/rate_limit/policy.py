"""How much a caller may spend, and what a request is told about it."""

import re
from collections.abc import Sequence

import msgspec

from services.chassis.http.server.endpoint import HeaderField

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class Policy(msgspec.Struct, frozen=True):
    """``quota`` units of cost in each ``window_s`` seconds, for each caller that it is for.

    ``name`` is what clients see of it in header fields, and part of its keys in Redis.
    """

    name: str
    quota: int
    window_s: int

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.quota < 1 or self.window_s < 1:
            raise ValueError(f"no policy: {self.name!r}, {self.quota} units in {self.window_s} s")


class RateLimitStatus(msgspec.Struct, frozen=True, gc=False):
    """What came of a request's cost; ``retry_after`` is 0 if it was let in.

    ``remaining`` units may still be spent within the next ``resets_in`` seconds. It is what this gateway knows: what
    others have let in since it last heard of them is not in it. ``told`` is the text that says so, to be filled in.
    """

    remaining: int
    resets_in: int
    told: "RateLimitHeaders"
    retry_after: int = 0

    @property
    def allowed(self) -> bool:
        return not self.retry_after

    def fields(self) -> Sequence[HeaderField]:
        """The header fields: draft-ietf-httpapi-ratelimit-headers-11, and RFC 9110, section 10.2.3, for a refusal.

        A unit is one of cost, not a request (the draft's ``qu`` knows no name for that).
        """
        limit = (b"ratelimit", self.told.limit % (self.remaining, self.resets_in))
        if self.retry_after:
            return self.told.policy, limit, (b"retry-after", b"%d" % self.retry_after)
        return self.told.policy, limit


class RateLimitHeaders(msgspec.Struct, frozen=True, gc=False):
    """A policy as its header fields tell it: one is always the same, one has places for two numbers."""

    policy: HeaderField
    limit: bytes

    @classmethod
    def of(cls, policy: Policy) -> "RateLimitHeaders":
        name = policy.name.encode()
        told = b'"%b";q=%d;w=%d' % (name, policy.quota, policy.window_s)
        return cls((b"ratelimit-policy", told), b'"%b";r=%%d;t=%%d' % name)
