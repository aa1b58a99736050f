"""Users' own accounts: verified addresses, what was forgotten, and changes (I4, I5, I6)."""

from typing import Annotated

from services.contracts.identity.people import USERNAME_LENGTH, Language, Username
from services.contracts.values import EmailAddress, IdempotencyKey, MutationResult, Value


class EmailVerified(MutationResult, frozen=True, kw_only=True):
    """The e-mail address is the user's: mail goes there from now on."""

    email: EmailAddress
    """The address."""


class ResendVerification(Value, frozen=True, kw_only=True):
    """A request for another mail with a link that verifies the caller's e-mail address."""

    idempotency_key: IdempotencyKey
    """A repetition with the same key is the same request."""


class VerificationSent(MutationResult, frozen=True, kw_only=True):
    """A mail with a new link is on its way. Earlier links are not valid any more."""

    email: EmailAddress
    """The address."""


class RecoveryRequested(MutationResult, frozen=True, kw_only=True):
    """If there is such an account, a mail is on its way. The answer is the same if there is none."""


class PasswordChanged(MutationResult, frozen=True, kw_only=True):
    """The password is changed."""

    sessions_ended: int
    """The number of the user's other sessions that ended with it."""


class ChangeUsername(Value, frozen=True, kw_only=True):
    """Another username for the caller."""

    idempotency_key: IdempotencyKey
    """A repetition with the same key is the same command."""
    version: int
    """The version of the account that the caller has read."""
    username: Annotated[Username, USERNAME_LENGTH]
    """The new username: an e-mail address or any memorable name. Its letters are of one script."""


class ChangeEmail(Value, frozen=True, kw_only=True):
    """Another e-mail address for the caller."""

    idempotency_key: IdempotencyKey
    """A repetition with the same key is the same command."""
    version: int
    """The version of the account that the caller has read."""
    email: EmailAddress
    """The new address. The present one withdraws a change that is under way."""


class ChangeLanguage(Value, frozen=True, kw_only=True):
    """Another language for the caller."""

    idempotency_key: IdempotencyKey
    """A repetition with the same key is the same command."""
    version: int
    """The version of the account that the caller has read."""
    language: Language
    """The language of mails and messages from now on."""


class AccountChanged(MutationResult, frozen=True, kw_only=True):
    """The account is changed, or the change is under way."""

    version: int
    """The version of the account now."""


class ApproveEmailChange(Value, frozen=True, kw_only=True):
    """A change of address for which staff vouch in place of the old address, which its user can't read any more."""

    idempotency_key: IdempotencyKey
    """A repetition with the same key is the same command."""
    username: Username
    """The user's name."""
    email: EmailAddress
    """The new address, as the user says it: that of the change that is under way."""


class EmailChangeConfirmed(MutationResult, frozen=True, kw_only=True):
    """An address has confirmed the change."""

    changed: bool
    """Whether the new address is in use now: false while the other address has not confirmed it."""


class EmailChangeWithdrawn(MutationResult, frozen=True, kw_only=True):
    """The change is withdrawn; the address stays as it is."""


class AccountUnlocked(MutationResult, frozen=True, kw_only=True):
    """The next sign-in need not wait."""
