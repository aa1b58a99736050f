"""What must be right about a new partner (I13)."""

from services.contracts.identity import SCOPES, CreatePartner
from services.contracts.values import Problem, length_problem, malformed

MAX_NAME_LENGTH = 100


def partner_problems(command: CreatePartner) -> list[Problem]:
    """All that stands against a new partner: MALFORMED, INVALID_SCOPE."""
    problems = []
    name = command.name.strip()
    length = length_problem(name, 1, MAX_NAME_LENGTH, "name")
    if length is not None:
        problems.append(length)
    elif not name.isprintable():
        problems.append(malformed("name", reason="CHARACTERS"))
    problems += [
        Problem(code="INVALID_SCOPE", path=["scopes", str(place)], params={"known": " ".join(SCOPES)})
        for place, scope in enumerate(command.scopes)
        if scope not in SCOPES
    ]
    if command.all_organisations and command.organisation_ids:
        # The mark is explicit: a list beside it says that one of the two was a mistake.
        problems.append(malformed("organisationIds", reason="LEAVE_OUT"))
    return problems


def scopes_granted(asked: str, own: list[str]) -> list[str] | None:
    """The scopes of a token (RFC 6749, section 3.3): those asked for, all if none is; None if one is not its own."""
    wanted = asked.split() or own
    return [scope for scope in own if scope in wanted] if set(wanted) <= set(own) else None
