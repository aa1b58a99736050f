"""Sign-in, sessions and the keys of their tokens."""

from typing import Annotated

from services.contracts.values import (
    MutationResult,
    TextLimit,
    Value,
)

Secret = Annotated[str, TextLimit(200, verbatim=True)]
"""A secret or token that identity issued."""


class KnownDevice(Value, frozen=True, kw_only=True):
    """A device's token, presented when its user signs in again. It grants no access."""

    token: str
    expires_in: int
    """Seconds."""


class SignedIn(MutationResult, frozen=True, kw_only=True):
    """The tokens of a session."""

    access_token: str
    """A bearer token (RFC 6750) for the header ``Authorization``."""
    refresh_token: str
    """A token that is exchanged once for the next tokens."""
    expires_in: int
    """The validity of the access token, in seconds."""
    refresh_expires_in: int
    """The validity of the refresh token, in seconds; after that the session is over."""
    device: KnownDevice | None = None
    """For the next sign-in from the same device; None after a refresh."""


class SignedOut(MutationResult, frozen=True, kw_only=True):
    """The session is over."""

    session_ended: bool
    """Whether this ended it: false if it was over before."""


class PublicKeys(Value, frozen=True, kw_only=True):
    """The public keys that verify access tokens: a JWK Set (RFC 7517, section 5), as JSON text."""

    jwks: str
