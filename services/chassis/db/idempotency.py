"""A command that comes twice is answered once: the first answer is kept, and given again, for 90 days.

A key belongs to (organisation, caller, operation). The unique row makes a second call wait for the first; a call that
was refused changed nothing and leaves the key free. Whoever calls this has decided already that the caller may.
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
    """Carries a refusal out of the savepoint, so that nothing of the attempt stays."""

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
    remember: Callable[[A], A] = lambda given: given,
) -> A | Refusal:
    """Do a command that carries ``idempotency_key``, or give its first answer again.

    ``remember`` makes the answer that is kept from the one that is given (a secret is shown once). Refused with
    MALFORMED for a key that is empty, longer than 200 characters or not printable, IDEMPOTENCY_CONFLICT for another
    input.
    """
    key: str = cast(Any, command).idempotency_key
    wrong = length_problem(key, 1, 200, "idempotencyKey")
    if wrong is not None or not key.isprintable():
        return Refusal(problems=[wrong or malformed("idempotencyKey", reason="CHARACTERS")])
    place = (organisation, caller, operation, key)
    digest = hashlib.sha256(msgspec.json.encode(command, order="deterministic")).digest()
    try:
        async with connection.transaction():
            if await connection.fetchval(_CLAIM, *place, digest):
                given = await do()
                if isinstance(given, Refusal):
                    raise _Refused(given)
                await connection.execute(_STORE_ANSWER, *place, msgspec.json.encode(remember(given)))
                return given
    except _Refused as refused:
        return refused.refusal
    known = await connection.fetchrow(_FIND_ANSWER, *place)
    if known is None or known["answer"] is None:
        return refuse("IN_PROGRESS", retryable=True)
    if known["input_hash"] != digest:
        return refuse("IDEMPOTENCY_CONFLICT", "idempotencyKey")
    return msgspec.json.decode(known["answer"], type=answer)
