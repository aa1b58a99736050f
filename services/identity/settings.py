"""Identity's settings beside those of every service."""

import re
from pathlib import Path

from services.chassis.runtime.settings import InvalidSettings, ServiceSettings

_MIN_PEPPER_LENGTH = 16


class IdentitySettings(ServiceSettings, frozen=True, kw_only=True):
    """Identity's settings."""

    signing_key_file: Path
    """The file of the private key that signs tokens (a JWK, RFC 8037)."""
    pepper: str
    """The key of the stored digests of tokens and secrets."""
    service_secrets: dict[str, str]
    """The services' own client secrets by their names (as JSON)."""
    portal_url: str = ""
    """The portal's address as people reach it, for links in mails; without it mails have the links' codes alone."""
    customer_number_format: str = r"^\d{2}-\d{7}-\d{2}$"
    """The regular expression that a whole customer number matches."""
    customer_number_example: str = "62-0000000-00"
    """The example in a refusal (I2)."""
    invoice_number_format: str = r"^\d{5,10}$"
    """The regular expression that a whole invoice number matches."""
    invoice_number_example: str = "1962859"
    """The example in a refusal (I2)."""
    latest_invoices: int = 3
    """How many of a customer's latest invoices one can register with: those of so many dates (I1)."""
    terms_version: str = "2026-01"
    """The version of the terms that a registration accepts."""

    def __post_init__(self) -> None:
        complaints = []
        for name in ("customer_number_format", "invoice_number_format"):
            try:
                re.compile(getattr(self, name))
            except re.error as error:
                complaints.append(f"KIERTO_IDENTITY_{name.upper()} is no regular expression: {error}")
        if self.latest_invoices < 1:
            complaints.append("KIERTO_IDENTITY_LATEST_INVOICES is too small (expected 1 or more)")
        if len(self.pepper) < _MIN_PEPPER_LENGTH:
            complaints.append(f"KIERTO_IDENTITY_PEPPER is too short (expected {_MIN_PEPPER_LENGTH} characters or more)")
        if complaints:
            raise InvalidSettings("\n".join(complaints))
