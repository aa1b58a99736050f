"""Identity's settings: their defaults and the errors of invalid ones."""

import pytest

from services.chassis.runtime.settings import InvalidSettings, load
from services.identity.settings import IdentitySettings

VALID = {
    "KIERTO_LISTEN": "127.0.0.1:1",
    "KIERTO_KAFKA": "127.0.0.1:2",
    "KIERTO_IDENTITY_URL": "http://127.0.0.1:1",
    "KIERTO_IDENTITY_DATABASE_URL": "postgresql://nowhere",
    "KIERTO_IDENTITY_SIGNING_KEY_FILE": "/nowhere/key.jwk",
    "KIERTO_IDENTITY_PEPPER": "0123456789abcdef",
    "KIERTO_IDENTITY_SERVICE_SECRETS": '{"support": "its secret"}',
}


def test_the_operators_formats_have_defaults() -> None:
    settings = load(IdentitySettings, "identity", VALID)
    assert settings.service_secrets == {"support": "its secret"}
    assert settings.customer_number_format == r"^\d{2}-\d{7}-\d{2}$"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KIERTO_IDENTITY_CUSTOMER_NUMBER_FORMAT", "("),
        ("KIERTO_IDENTITY_INVOICE_NUMBER_FORMAT", "["),
        ("KIERTO_IDENTITY_PEPPER", "short"),
        ("KIERTO_IDENTITY_LATEST_INVOICES", "0"),
        ("KIERTO_IDENTITY_SERVICE_SECRETS", "support=secret"),
        ("KIERTO_IDENTITY_SIGNING_KEY_FILE", ""),
    ],
)
def test_an_invalid_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings, match=name):
        load(IdentitySettings, "identity", VALID | {name: value})
