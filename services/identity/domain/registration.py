"""Validation of a registration, before any look-up of its numbers (I1, I2)."""

import re

import msgspec

from services.contracts.address_formats import email_problems
from services.contracts.identity.people import Register
from services.contracts.values import Problem, malformed
from services.identity.domain import names, password


class RegistrationRules(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's formats of numbers (regular expressions that match the whole), latest invoices and terms."""

    customer_number_format: str
    customer_number_example: str
    invoice_number_format: str
    invoice_number_example: str
    latest_invoices: int
    """How many dates of a customer's invoices, from the latest on, one can register with."""
    terms_version: str


def normalise_registration(command: Register) -> Register:
    """Normalise a registration: without blanks that were typed or pasted."""
    return msgspec.structs.replace(
        command,
        customer_number=command.customer_number.strip(),
        invoice_number=command.invoice_number.strip(),
        username=names.normalise_username(command.username),
        email=command.email.strip(),
    )


def registration_problems(command: Register, rules: RegistrationRules) -> list[Problem]:
    """Return all problems of a normalised registration in the order of the form.

    MALFORMED, WEAK_PASSWORD, TERMS_REQUIRED.
    """
    formats = (
        ("customerNumber", command.customer_number, rules.customer_number_format, rules.customer_number_example),
        ("invoiceNumber", command.invoice_number, rules.invoice_number_format, rules.invoice_number_example),
    )
    problems = [
        malformed(field, reason="EXAMPLE", example=example)
        for field, number, pattern, example in formats
        if not re.fullmatch(pattern, number)
    ]
    problems += account_problems(command.username, command.email, command.password)
    return [*problems, *terms_problems(command.terms_version, rules)]


def terms_problems(accepted: str | None, rules: RegistrationRules) -> list[Problem]:
    """Return TERMS_REQUIRED unless the present version of the terms is accepted."""
    if accepted == rules.terms_version:
        return []
    return [Problem(code="TERMS_REQUIRED", path=["termsVersion"], params={"version": rules.terms_version})]


def account_problems(username: str, email: str, secret: str) -> list[Problem]:
    """Return all problems of an account: MALFORMED, WEAK_PASSWORD."""
    problems = []
    if of_username := names.username_problem(username):
        problems.append(of_username)
    problems += email_problems(email, "email")
    if weak := password.password_problem(secret, username):
        problems.append(weak)
    return problems
