"""What identity needs to be told beside what every service needs."""

import re
from pathlib import Path

from services.chassis.runtime.settings import InvalidSettings, ServiceSettings

_MIN_PEPPER_LENGTH = 16


class IdentitySettings(ServiceSettings, frozen=True, kw_only=True):
    """Identity's settings.

    ``signing_key_file`` holds the private key that tokens are signed with (a JWK, RFC 8037); ``pepper`` the secret
    that goes into every stored digest of a token or secret; ``service_secrets`` each service's own secret by its name
    (as JSON). The formats are regular expressions that a whole number must match, the examples what people are shown
    of them (I2). ``terms_version`` is the version of the terms that one accepts to register.
    """

    signing_key_file: Path
    pepper: str
    service_secrets: dict[str, str]
    customer_number_format: str = r"^\d{2}-\d{7}-\d{2}$"
    customer_number_example: str = "62-0000000-00"
    invoice_number_format: str = r"^\d{5,10}$"
    invoice_number_example: str = "1962859"
    terms_version: str = "2026-01"

    def __post_init__(self) -> None:
        complaints = []
        for name in ("customer_number_format", "invoice_number_format"):
            try:
                re.compile(getattr(self, name))
            except re.error as error:
                complaints.append(f"KIERTO_IDENTITY_{name.upper()} is no regular expression: {error}")
        if len(self.pepper) < _MIN_PEPPER_LENGTH:
            complaints.append(f"KIERTO_IDENTITY_PEPPER is too short (expected {_MIN_PEPPER_LENGTH} characters or more)")
        if complaints:
            raise InvalidSettings("\n".join(complaints))
