"""The permission walk: every operation of a contract, called by every kind of caller with real ids.

The expected outcomes follow from the declared permissions and from what each caller's grants reach. An operation
without an example fails, and so does an id that no example has.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from services.chassis.ids import new_uuid, write_id
from services.chassis.rpc.id_inputs import IdInput
from services.chassis.rpc.signature import Signature, signatures
from services.contracts.permission import Permission, Role, SubjectKind
from tests.component.permission.callers import ACCESS, ORG_A, SITE_A, TODAY, CallerCase, ServiceEndpoint

# The outcomes beside a refusal or a failure, whose outcome is its code or status.
SEES = "sees it"  # a response with the requested data
NOTHING = "sees nothing of it"  # a response as if it did not exist
NO_TOKEN = "401"
NOT_ALLOWED = "403"

UNKNOWN = (CallerCase.ANONYMOUS, CallerCase.EXPIRED, CallerCase.FORGED, CallerCase.SIGNED_OUT, CallerCase.BY_GATEWAY)
SERVICE = "support"
"""The service that ``CallerCase.SERVICE`` is."""

Ids = Mapping[str, str]
"""An id of each type of thing, by its prefix."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A call of an operation."""

    arguments: Callable[[CallerCase, Ids], dict[str, Any]]
    """Returns the arguments for a caller, with these ids. The optional inputs of the operation are added by turns."""
    shows: Collection[str]
    """Texts of which a response has one if its caller sees the requested data, and only then."""
    of_organisation: bool = False
    """Whether the data belong to the whole organisation A, and not to its site A."""
    seen_by: Collection[CallerCase] | None = None
    """The callers who see the data, for an operation that is about no organisation."""


async def check_permissions(
    endpoint: ServiceEndpoint, contract: type, examples: Mapping[str, Example], own: Ids, foreign: Collection[str]
) -> list[str]:
    """Call every operation as every caller and return the deviations from the declared permissions.

    ``own`` are the ids of organisation A's things. ``foreign`` texts belong to organisation B: no caller of
    organisation A may find one in any response.
    """
    operations = signatures(contract)
    wrong = [f"{name} has no example" for name in operations.keys() - examples.keys()]
    wrong += [f"{name} is no operation" for name in examples.keys() - operations.keys()]
    for name in sorted(operations.keys() & examples.keys()):
        operation, example = operations[name], examples[name]
        expected = {who: _expected(who, operation, example) for who in CallerCase}
        if SEES not in expected.values():
            wrong.append(f"{name}: no caller succeeds")
        absent = [one for one in operation.id_inputs if one.prefix and not _is_in(example, one.path, own)]
        given = example.arguments(CallerCase.ADMIN, own)
        wrong += [f"{name} has no example with {'.'.join(one.path)}" for one in absent if one.path[0] in given]
        for added in (None, *(one for one in absent if one.path[0] not in given)):
            for who, outcome in expected.items():
                call = _Call(endpoint, operation, example, who, added)
                wrong += [f"{call} {deviation}" for deviation in await call.deviations(outcome, own, foreign)]
    return wrong


class _Call(msgspec.Struct, frozen=True):
    endpoint: ServiceEndpoint
    operation: Signature
    example: Example
    who: CallerCase
    added: IdInput | None
    """The input that the call has beside those of the example."""

    def __str__(self) -> str:
        added = f"({'.'.join(self.added.path)})" if self.added else ""
        return f"{self.operation.name}{added} as {self.who.name}:"

    async def deviations(self, expected: str, own: Ids, foreign: Collection[str]) -> list[str]:
        """Call the operation and return how its outcome deviates from the expected one."""
        wrong, answer = [], await self._answer(own)
        if _knows_only_a(self.who) and any(text.encode() in answer[1] for text in foreign):
            wrong.append("shows another organisation's")
        outcome = outcome_of(*answer, self.example.shows)
        if outcome != expected and (expected, outcome) != (NOTHING, "NOT_FOUND"):
            wrong.append(f"{outcome}, expected {expected}")
        # A caller of another site sees that one in a list of the organisation.
        of_own = self.added and self.added.prefix == "org" and _reaching_roles(self.who, of_organisation=True)
        if expected == NOTHING and not of_own:
            of_unknown = await self._answer({prefix: write_id(prefix, new_uuid()) for prefix in own})
            # A service that has a copy says that an unknown thing may be on its way.
            if of_unknown != answer and b"NOT_READY_YET" not in of_unknown[1]:
                wrong.append("the answer differs from that about an unknown thing")
        return wrong

    async def _answer(self, ids: Ids) -> tuple[int, bytes]:
        arguments = self.example.arguments(self.who, ids)
        if "page" in arguments:  # a token for a later look has the time of this one
            arguments["page"] = {**arguments["page"], "updates": False}
        if self.added:
            added: Any = [ids[self.added.prefix]] if self.added.is_list else ids[self.added.prefix]
            for name in reversed(self.added.path):
                added = {name: added}
            arguments |= added
        return await self.endpoint.call(self.who, self.operation.name, arguments)


def _expected(who: CallerCase, operation: Signature, example: Example) -> str:
    permission = operation.declared.permission
    if permission is None:
        anyone = operation.declared.open and example.seen_by is None
        return SEES if anyone or who is CallerCase.BY_GATEWAY else NO_TOKEN
    if who in UNKNOWN:
        return NO_TOKEN
    if not _is_permitted(who, permission):
        return NOT_ALLOWED
    if example.seen_by is not None:
        return SEES if who in example.seen_by else NOTHING
    if who is CallerCase.SERVICE:
        return SEES
    roles = _reaching_roles(who, of_organisation=example.of_organisation)
    if not roles:
        return NOTHING
    lacks_role = bool(operation.things) and not any(role is None or role.includes(permission.role) for role in roles)
    return "FORBIDDEN" if lacks_role else SEES


def _is_permitted(who: CallerCase, permission: Permission) -> bool:
    if who is CallerCase.SERVICE:
        return SERVICE in permission.services
    kind, scopes, _ = ACCESS[who]
    needs_scope = kind is SubjectKind.PARTNER and permission.scope is not None
    return kind in permission.kinds and (not needs_scope or permission.scope in scopes)


def _reaching_roles(who: CallerCase, *, of_organisation: bool) -> list[Role | None]:
    """Return the roles of the grants by which a caller reaches organisation A or its site A."""
    grants = ACCESS[who][2] if who in ACCESS else []
    return [
        grant.role
        for grant in grants
        if (grant.until is None or grant.until >= TODAY)
        and grant.organisation_id in (None, ORG_A)
        and (of_organisation or grant.site_ids is None or SITE_A in grant.site_ids)
    ]


def _knows_only_a(who: CallerCase) -> bool:
    return who in ACCESS and all(grant.organisation_id == ORG_A for grant in ACCESS[who][2])


def outcome_of(status: int, body: bytes, shows: Collection[str]) -> str:
    """Return the outcome of a response."""
    if status != 200:
        return str(status)
    if any(text.encode() in body for text in shows):
        return SEES
    answer = msgspec.json.decode(body)
    first = answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
    if isinstance(first, dict) and first.get("__typename") == "Refusal":
        return str(first["problems"][0]["code"])
    return NOTHING


def _is_in(example: Example, path: tuple[str, ...], own: Ids) -> bool:
    """Return whether an example has an input."""
    values: list[Any] = [example.arguments(CallerCase.ADMIN, own)]
    for name in path:
        inner = [value[name] for value in values if name in value]
        values = [item for one in inner for item in (one if isinstance(one, list) else [one])]
    return bool(values)
