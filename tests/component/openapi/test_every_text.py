"""Every text of every operation, with values beyond its limit."""

import copy
from collections.abc import Iterator
from typing import Annotated, Any, cast, get_args, get_origin

import msgspec
import pytest

from services.chassis.rpc.id_inputs import id_type
from services.chassis.rpc.signature import Signature, signatures
from services.contracts.permission import SubjectKind
from services.contracts.values import Id, TextLimit
from tests.component.conftest import ServeWalked
from tests.component.permission.callers import CallerCase, ServiceEndpoint
from tests.component.permission.walked_services import WALKED_SERVICES

BATCHES = {"reportPickups"}
Place = tuple[str | int, ...]


def texts_in(kind: Any, place: Place = ()) -> Iterator[tuple[Place, TextLimit]]:
    """Yield the paths of limited texts in a type; the first item of a list stands for all."""
    limits = [one for one in get_args(kind)[1:] if isinstance(one, TextLimit)]
    if limits:
        yield place, limits[0]
    elif get_origin(kind) is list and id_type(get_args(kind)[0]) is None:
        yield from texts_in(get_args(kind)[0], (*place, 0))
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            yield from texts_in(field.type, (*place, field.encode_name))
    elif get_origin(kind) not in (None, list):
        yield from texts_in(get_args(kind)[0], place)


def with_value(arguments: Any, place: Place, value: Any) -> Any:
    """Return the arguments with another value at a path, which is created where it is missing."""
    if not place:
        return value
    (key, *rest), changed = place, copy.copy(arguments)
    if isinstance(key, int):
        changed = changed or [None]
        changed[key] = with_value(changed[key], tuple(rest), value)
    else:
        changed = changed or {}
        changed[key] = with_value(changed.get(key), tuple(rest), value)
    return changed


def first_problem(operation: str, status: int, answer: Any) -> tuple[str, list[str]]:
    """Return the code and the path of the first problem in an answer."""
    if operation in BATCHES:
        answer = answer["outcomes"][0]["refusal"]
    problem = answer if status == 400 else answer["problems"][0]
    return problem["code"], problem["path"]


@pytest.mark.parametrize("service", WALKED_SERVICES)
async def test_every_text_is_limited_before_it_is_used(
    service: str,
    serve_walked: ServeWalked,
) -> None:
    walked, wrong, tried = WALKED_SERVICES[service], [], 0
    async with serve_walked(walked) as (endpoint, examples):
        attempts = await _attempts(endpoint)
        for name, signature in signatures(cast(Any, walked.blueprint.contract)).items():
            who = permitted_caller(signature)
            arguments = examples[name].arguments(who, walked.ids)
            for place, limit in texts_in(signature.arguments):
                path = [str(one) for one in (place[1:] if place[0] in ("command", "page") else place)]
                # One character too many, too many after normalisation, and forbidden characters.
                for text in ("a" * (limit.longest + 1), "\ufdfa" * (limit.longest + 1), "a\0b", "a\uffff", "a\u202eb"):
                    tried += 1
                    status, body = await endpoint.call(who, name, with_value(arguments, place, text))
                    found = first_problem(name, status, msgspec.json.decode(body))
                    if found != ("MALFORMED", path):
                        wrong.append(f"{name} {'.'.join(path)} {text[:5]!r}: {status} {found}")
        assert await _attempts(endpoint) == attempts, "a refused text was counted as an attempt"
    assert wrong == []
    assert tried


@pytest.mark.parametrize("service", WALKED_SERVICES)
async def test_a_text_of_blanks_and_invisible_characters_is_an_empty_one(
    service: str,
    serve_walked: ServeWalked,
) -> None:
    walked, wrong = WALKED_SERVICES[service], []
    async with serve_walked(walked) as (endpoint, examples):
        for name, signature in signatures(cast(Any, walked.blueprint.contract)).items():
            who = permitted_caller(signature)
            arguments = examples[name].arguments(who, walked.ids)
            for place, _ in texts_in(signature.arguments):
                outcomes = []
                for text in ("", " \u200b\u3164\u2800\u2060 "):
                    status, body = await endpoint.call(who, name, with_value(arguments, place, text))
                    outcomes.append((status, _without_contents(name, msgspec.json.decode(body))))
                if outcomes[0] != outcomes[1]:
                    wrong.append(f"{name} {place}: {outcomes}")
    assert wrong == []


def _without_contents(operation: str, answer: Any) -> Any:
    """Return the type of a result and its problems; the same for all results of other types."""
    if operation in BATCHES:
        answer = answer["outcomes"][0]["refusal"]
    if not isinstance(answer, dict):
        return None
    return answer.get("__typename"), answer.get("problems"), answer.get("path"), answer.get("params")


async def _attempts(endpoint: ServiceEndpoint) -> int:
    pool = endpoint.runtime.pool
    counted = await pool.fetchval("SELECT to_regclass('attempts') IS NOT NULL")
    return int(await pool.fetchval("SELECT coalesce(sum(count), 0) FROM attempts")) if counted else 0


def permitted_caller(operation: Signature) -> CallerCase:
    """Return a caller whom the permission of an operation includes."""
    permission = operation.declared.permission
    if permission is None:
        return CallerCase.BY_GATEWAY
    callers = {
        SubjectKind.PARTNER: CallerCase.PARTNER,
        SubjectKind.USER: CallerCase.ADMIN,
        SubjectKind.STAFF: CallerCase.STAFF,
    }
    return next((who for kind, who in callers.items() if kind in permission.kinds), CallerCase.SERVICE)


def test_the_places_of_texts_are_found() -> None:
    short = Annotated[str, TextLimit(3)]
    inner = msgspec.defstruct("Inner", [("some_text", short), ("ids", list[Id])], rename="camel")
    outer = msgspec.defstruct("Outer", [("rows", list[inner]), ("maybe", short | None), ("texts", list[short])])  # type: ignore[valid-type]
    assert [place for place, _ in texts_in(outer)] == [("rows", 0, "someText"), ("maybe",), ("texts", 0)]
    assert with_value({"rows": [{"a": 1}]}, ("rows", 0, "b"), 2) == {"rows": [{"a": 1, "b": 2}]}
