"""The rules of registration as clients see them."""

from services.contracts.identity.people import PASSWORD_LENGTH, NumberFormat, PasswordRules, RegistrationSettings
from services.identity.domain.registration import RegistrationRules


def registration_settings(rules: RegistrationRules) -> RegistrationSettings:
    """Return the settings of a deployment's rules."""
    return RegistrationSettings(
        terms_version=rules.terms_version,
        customer_number=NumberFormat(pattern=rules.customer_number_format, example=rules.customer_number_example),
        invoice_number=NumberFormat(pattern=rules.invoice_number_format, example=rules.invoice_number_example),
        password=PasswordRules(shortest=PASSWORD_LENGTH.least, longest=PASSWORD_LENGTH.most),
    )
