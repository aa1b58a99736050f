"""Validation of a new partner, and of requested scopes (I13)."""

from services.contracts.identity.partners import PARTNER_NAME_LENGTH, SCOPES, CreatePartner
from services.contracts.values import Problem, length_problem, malformed


def partner_problems(command: CreatePartner) -> list[Problem]:
    """Return all problems of a new partner: MALFORMED, INVALID_SCOPE."""
    problems = []
    name = command.name.strip()
    length = length_problem(name, PARTNER_NAME_LENGTH, "name")
    if length is not None:
        problems.append(length)
    elif not name.isprintable():
        problems.append(malformed("name", reason="CHARACTERS"))
    problems += [
        Problem(code="INVALID_SCOPE", path=["scopes", str(index)], params={"known": " ".join(SCOPES)})
        for index, scope in enumerate(command.scopes)
        if scope not in SCOPES
    ]
    if command.all_organisations and command.organisation_ids:
        # With both, one of the two is a mistake.
        problems.append(malformed("organisationIds", reason="LEAVE_OUT"))
    return problems


def scopes_granted(requested: str, allowed: list[str]) -> list[str] | None:
    """Return the scopes of a token (RFC 6749, section 3.3), by default all; None if one is not allowed."""
    scopes = requested.split() or allowed
    return [scope for scope in allowed if scope in scopes] if set(scopes) <= set(allowed) else None
