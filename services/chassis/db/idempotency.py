"""Idempotency keys: a repeated command returns the result of the first one, read again, for 90 days.

A key belongs to (organisation, caller, operation). The unique row makes a concurrent repetition wait for the first
call. A command that is refused, or in conflict with a change, changed nothing and leaves the key free. The operation
has authorised the caller before.

The kept answer is the result's type and the ids of what it shows, never its contents: a repetition shows what the
caller may see now, and a secret that was shown once is stored nowhere.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import msgspec
from msgspec import NODEFAULT

from services.chassis.db.postgres import DatabaseConnection
from services.contracts.values import (
    KEY_LENGTH,
    Conflict,
    Id,
    Outcome,
    Refusal,
    Value,
    length_problem,
    malformed,
    refuse,
)

A = TypeVar("A", bound=Outcome)

ReadAgain = Callable[[Sequence[Id]], Awaitable[A | None]]
"""Reads a result by its ids, by the same query as any other read; None if the caller may not see it, or it is gone."""

_CLAIM = """
    INSERT INTO chassis.answers (organisation, caller, operation, key, input_hash) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING RETURNING true
"""
_FIND_ANSWER = """
    SELECT input_hash, result_type, result_ids FROM chassis.answers
    WHERE organisation = $1 AND caller = $2 AND operation = $3 AND key = $4
"""
_STORE_ANSWER = """
    UPDATE chassis.answers SET result_type = $5, result_ids = $6
    WHERE organisation = $1 AND caller = $2 AND operation = $3 AND key = $4
"""


class _Refused(Exception):
    """Rolls the savepoint back for a refusal or a conflict."""

    def __init__(self, refusal: Conflict | Refusal) -> None:
        self.refusal = refusal


async def execute_once(
    connection: DatabaseConnection,
    *,
    organisation: str,
    caller: str,
    operation: str,
    command: Value,
    do: Callable[[], Awaitable[A | Conflict | Refusal]],
    ids: Callable[[A], Sequence[Id]],
    read_again: Mapping[type[A], ReadAgain[A]],
) -> A | Conflict | Refusal:
    """Execute a command with an ``idempotency_key``, or read the result of its first execution again.

    ``ids`` returns the ids that are kept of a result; ``read_again`` has a reader for each type of result.
    Refuse with MALFORMED a key that is empty, longer than 200 characters or not printable; with IDEMPOTENCY_CONFLICT a
    key of another input; with NOT_FOUND a key whose result the caller may not see now, or that is gone.
    """
    key: str = cast(Any, command).idempotency_key
    problem = length_problem(key, KEY_LENGTH, "idempotencyKey")
    if problem is not None or not key.isprintable():
        return Refusal(problems=[problem or malformed("idempotencyKey", reason="CHARACTERS")])
    row = (organisation, caller, operation, key)
    digest = input_digest(command)
    try:
        async with connection.transaction():
            if await connection.fetchval(_CLAIM, *row, digest):
                result = await do()
                if isinstance(result, Conflict | Refusal):
                    raise _Refused(result)
                await connection.execute(_STORE_ANSWER, *row, _type_name(type(result)), list(ids(result)))
                return result
    except _Refused as refused:
        return refused.refusal
    stored = await connection.fetchrow(_FIND_ANSWER, *row)
    if stored is None or stored["result_type"] is None:
        return refuse("IN_PROGRESS", retryable=True)
    if stored["input_hash"] != digest:
        return refuse("IDEMPOTENCY_CONFLICT", "idempotencyKey")
    readers = {_type_name(kind): reader for kind, reader in read_again.items()}
    return await readers[stored["result_type"]](stored["result_ids"]) or refuse("NOT_FOUND", "idempotencyKey")


def input_digest(command: Value) -> bytes:
    """Return the digest of a command's JSON without the fields that have their default.

    A build that adds a field with a default makes the same digest of the same command.
    """
    encoded = msgspec.json.encode(_without_defaults(command), order="deterministic")
    return hashlib.sha256(encoded).digest()


def _without_defaults(value: object) -> object:
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__.tag
        given: dict[str, object] = {} if tag is None else {"": tag}
        for field in msgspec.structs.fields(value):
            content = getattr(value, field.name)
            if field.default_factory is not NODEFAULT:
                is_default = content == field.default_factory()
            else:
                is_default = field.default is not NODEFAULT and content == field.default
            if not is_default:
                given[field.encode_name] = _without_defaults(content)
        return given
    if isinstance(value, list):
        return [_without_defaults(item) for item in value]
    return value


def _type_name(kind: type[Outcome]) -> str:
    """Return the tag of a result's type: its name in the contract."""
    return str(kind.__struct_config__.tag)
