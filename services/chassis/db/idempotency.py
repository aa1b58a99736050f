"""Idempotency keys: a repeated command returns the stored result of the first one, for 90 days.

A key belongs to (organisation, caller, operation). The unique row makes a concurrent repetition wait for the first
call. A refused command changed nothing and leaves the key free. The operation has authorised the caller before.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import msgspec

from services.chassis.db.postgres import DatabaseConnection
from services.contracts.values import Outcome, Refusal, Value, length_problem, malformed, refuse

A = TypeVar("A", bound=Outcome)

_CLAIM = """
    INSERT INTO chassis.answers (organisation, caller, operation, key, input_hash) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING RETURNING true
"""
_FIND_ANSWER = """
    SELECT input_hash, answer FROM chassis.answers
    WHERE organisation = $1 AND caller = $2 AND operation = $3 AND key = $4
"""
_STORE_ANSWER = """
    UPDATE chassis.answers SET answer = $5
    WHERE organisation = $1 AND caller = $2 AND operation = $3 AND key = $4
"""


class _Refused(Exception):
    """Rolls the savepoint back for a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


async def execute_once(
    connection: DatabaseConnection,
    *,
    organisation: str,
    caller: str,
    operation: str,
    command: Value,
    answer: type[A],
    do: Callable[[], Awaitable[A | Refusal]],
    remember: Callable[[A], A] = lambda result: result,
) -> A | Refusal:
    """Execute a command with an ``idempotency_key``, or return the stored result of its first execution.

    ``remember`` returns the result to store (a secret is returned once). Refuse with MALFORMED a key that is empty,
    longer than 200 characters or not printable; refuse with IDEMPOTENCY_CONFLICT a key of another input.
    """
    key: str = cast(Any, command).idempotency_key
    problem = length_problem(key, 1, 200, "idempotencyKey")
    if problem is not None or not key.isprintable():
        return Refusal(problems=[problem or malformed("idempotencyKey", reason="CHARACTERS")])
    row = (organisation, caller, operation, key)
    digest = hashlib.sha256(msgspec.json.encode(command, order="deterministic")).digest()
    try:
        async with connection.transaction():
            if await connection.fetchval(_CLAIM, *row, digest):
                result = await do()
                if isinstance(result, Refusal):
                    raise _Refused(result)
                await connection.execute(_STORE_ANSWER, *row, msgspec.json.encode(remember(result)))
                return result
    except _Refused as refused:
        return refused.refusal
    stored = await connection.fetchrow(_FIND_ANSWER, *row)
    if stored is None or stored["answer"] is None:
        return refuse("IN_PROGRESS", retryable=True)
    if stored["input_hash"] != digest:
        return refuse("IDEMPOTENCY_CONFLICT", "idempotencyKey")
    return msgspec.json.decode(stored["answer"], type=answer)
