"""The permission matrix: every operation of a contract, called by every kind of caller.

A row states the expected outcome of each caller; an operation without a row fails. Every response is also searched
for the data of the requested site: callers that see nothing must find none of it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from services.chassis.rpc.signature import signatures
from tests.component.permission.callers import CallerCase, ServiceEndpoint

# The outcomes beside a refusal, whose outcome is its code.
SEES = "sees it"  # a response with the requested data
NOTHING = "sees nothing of it"  # a response as if it did not exist
NO_TOKEN = "401"
NOT_ALLOWED = "403"

UNKNOWN = (CallerCase.ANONYMOUS, CallerCase.EXPIRED, CallerCase.FORGED, CallerCase.SIGNED_OUT, CallerCase.BY_GATEWAY)
OUTSIDERS = (CallerCase.REMOVED, CallerCase.ENDED, CallerCase.OTHER_SITE, CallerCase.OTHER_ORGANISATION)
MEMBERS = (CallerCase.VIEWER, CallerCase.EDITOR, CallerCase.ADMIN)
OF_A = (
    *MEMBERS,
    CallerCase.OTHER_SITE,
    CallerCase.REMOVED,
    CallerCase.ENDED,
    CallerCase.PARTNER,
    CallerCase.PARTNER_WITHOUT_SCOPE,
    CallerCase.PARTNER_OF_NONE,
)
PARTNERS = (
    CallerCase.PARTNER,
    CallerCase.PARTNER_WITHOUT_SCOPE,
    CallerCase.PARTNER_OF_ANOTHER,
    CallerCase.PARTNER_OF_NONE,
)

Expectations = Mapping[CallerCase, str]


def expectations(
    *,
    members: str,
    outsiders: str = NOTHING,
    viewer: str | None = None,
    partners: str = NOT_ALLOWED,
    partner: str | None = None,
    partner_elsewhere: str | None = None,
    staff: str,
    service: str = NOT_ALLOWED,
    other_site: str | None = None,
) -> Expectations:
    """Return the outcomes of an operation that needs a token; a caller without its own has that of its group."""
    return {
        **dict.fromkeys(UNKNOWN, NO_TOKEN),
        **dict.fromkeys(OUTSIDERS, outsiders),
        **dict.fromkeys(MEMBERS, members),
        **dict.fromkeys(PARTNERS, partners),
        CallerCase.VIEWER: viewer or members,
        CallerCase.OTHER_SITE: other_site or outsiders,
        CallerCase.PARTNER: partner or partners,
        CallerCase.PARTNER_OF_ANOTHER: partner_elsewhere or partners,
        CallerCase.PARTNER_OF_NONE: partner_elsewhere or partners,
        CallerCase.STAFF: staff,
        CallerCase.SERVICE: service,
    }


STAFF_ONLY_IMPORTS = expectations(members=NOT_ALLOWED, outsiders=NOT_ALLOWED, staff="NOT_FOUND")
STAFF_ONLY_READS = expectations(members=NOT_ALLOWED, outsiders=NOT_ALLOWED, staff=NOTHING)

Case = tuple[dict[str, Any] | Callable[[CallerCase], dict[str, Any]], Expectations]

NO_IMPORT = "import_x_01h455vb4pex5vsknk084sn02q"
IMPORTS: dict[str, Case] = {
    "startImport": ({"id": NO_IMPORT}, STAFF_ONLY_IMPORTS),
    "imports": ({"ids": [NO_IMPORT]}, STAFF_ONLY_READS),
    "badRows": ({"id": NO_IMPORT, "page": {}}, STAFF_ONLY_READS),
}


async def check_matrix(
    endpoint: ServiceEndpoint,
    contract: type,
    cases: Mapping[str, Case],
    belongings: list[str],
    foreign: list[str],
    signs: Mapping[str, str] | None = None,
) -> list[str]:
    """Call every operation as every caller and return the deviations from the table.

    ``belongings`` are texts that only callers that see the site may find. ``foreign`` texts belong to organisation B:
    no caller of organisation A may find one in any response. ``signs`` has another such text for an operation whose
    response repeats no id.
    """
    operations = set(signatures(contract))
    wrong = [f"{name} has no row in the table" for name in operations - set(cases)]
    wrong += [f"{name} is no operation" for name in set(cases) - operations]
    for name in sorted(operations & set(cases)):
        arguments, expected = cases[name]
        wrong += [f"{name}: {who.name} has no outcome in the table" for who in CallerCase if who not in expected]
        for who, outcome in expected.items():
            status, body = await endpoint.call(who, name, arguments(who) if callable(arguments) else arguments)
            if who in OF_A and any(text in body.decode() for text in foreign):
                wrong.append(f"{name} as {who.name}: shows another organisation's")
            actual = outcome_of(status, body, [*belongings, *([signs[name]] if signs and name in signs else [])])
            if actual != outcome:
                wrong.append(f"{name} as {who.name}: {actual}, expected {outcome}")
    return wrong


def outcome_of(status: int, body: bytes, belongings: list[str]) -> str:
    """Return the outcome of a response."""
    if status != 200:
        return str(status)
    text = body.decode()
    if any(belonging in text for belonging in belongings):
        return SEES
    answer = msgspec.json.decode(body)
    first = answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
    if isinstance(first, dict) and first.get("__typename") == "Refusal":
        return str(first["problems"][0]["code"])
    return NOTHING
