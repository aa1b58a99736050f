"""What must be right about a registration before anyone looks whether its numbers belong together (I1, I2)."""

import re

import msgspec

from services.contracts.identity import Register
from services.contracts.values import Problem, malformed
from services.identity.domain import names, password


class RegistrationRules(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's own: how its numbers look (regular expressions of the whole), and its terms of today."""

    customer_number_format: str
    customer_number_example: str
    invoice_number_format: str
    invoice_number_example: str
    terms_version: str


def normalise_registration(command: Register) -> Register:
    """A registration without the blanks that typing and pasting bring."""
    return msgspec.structs.replace(
        command,
        customer_number=command.customer_number.strip(),
        invoice_number=command.invoice_number.strip(),
        username=names.normalise_username(command.username),
        email=command.email.strip(),
    )


def registration_problems(command: Register, rules: RegistrationRules) -> list[Problem]:
    """All that stands against a tidy registration, in the form's order: MALFORMED, WEAK_PASSWORD, TERMS_REQUIRED."""
    formats = (
        ("customerNumber", command.customer_number, rules.customer_number_format, rules.customer_number_example),
        ("invoiceNumber", command.invoice_number, rules.invoice_number_format, rules.invoice_number_example),
    )
    problems = [
        malformed(field, reason="EXAMPLE", example=example)
        for field, number, wanted, example in formats
        if not re.fullmatch(wanted, number)
    ]
    problems += account_problems(command.username, command.email, command.password)
    if command.terms_version != rules.terms_version:
        problems.append(Problem(code="TERMS_REQUIRED", path=["termsVersion"], params={"version": rules.terms_version}))
    return problems


def account_problems(username: str, email: str, secret: str) -> list[Problem]:
    """What stands against an account with these: MALFORMED or WEAK_PASSWORD."""
    problems = []
    if of_username := names.username_problem(username):
        problems.append(of_username)
    if not names.is_email(email):
        problems.append(malformed("email", reason="EXAMPLE", example="name@example.com"))
    if weak := password.password_problem(secret, username):
        problems.append(weak)
    return problems
