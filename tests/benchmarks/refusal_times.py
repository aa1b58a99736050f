"""Time of answers that must tell nothing: to sign-in, registration and recovery, with unknown and known values.

They go through the gateway, one at a time and in random order. No limit of attempts applies: the counted ones are
deleted before each call.
"""

import datetime as dt
import random
import statistics
import time
from collections.abc import Mapping, Sequence

import aiohttp
import asyncpg
import msgspec

from services.chassis.ids import new_uuid
from tests.support.stack import RunningStack

CALLS, WARM_UP = 1_000, 50
_KNOWN, _UNKNOWN = "62-7654321-00", "62-7654321-99"
_CUSTOMER = """
    INSERT INTO organisations (id, customer_number, name, kind, version, sort_name)
    VALUES ($1, $2, 'Bench', 'BUSINESS', 1, 'bench')
"""
_INVOICE = """
    INSERT INTO invoices (id, customer_number, invoice_number, invoice_date, version) VALUES ($1, $2, $3, $4, 1)
"""
_REGISTER = """
    mutation ($input: RegisterInput!) { register(input: $input) { ... on Refusal { problems { code } } } }
"""

_RECOVER = """
    mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { __typename } }
"""

Call = tuple[str, object, str]
"""Path, body, and a word of the response."""


class RefusalTimes(msgspec.Struct, frozen=True):
    """Median seconds until the response, by the value."""

    medians: Mapping[str, float]

    @property
    def ratio(self) -> float:
        """The longest median divided by the shortest."""
        return max(self.medians.values()) / min(self.medians.values())

    def shown(self, name: str) -> str:
        return f"{name}: {self.medians[name] * 1000:.2f} ms"


async def measure(stack: RunningStack, database_url: str, username: str) -> Sequence[RefusalTimes]:
    """Measure sign-in, registration and recovery; ``username`` exists. The stack has unlimited quotas."""
    identity = await asyncpg.connect(database_url)
    try:
        await identity.execute(_CUSTOMER, new_uuid(), _KNOWN)
        for number, date in (("1000001", dt.date(2026, 1, 1)), ("1000002", dt.date(2026, 2, 1))):
            await identity.execute(_INVOICE, new_uuid(), _KNOWN, number, date)
        async with aiohttp.ClientSession(stack.gateway) as session:
            unknown_name = "x" * len(username)
            sign_in_times = await _median_times(
                session, identity, {"unknown name": _sign_in(unknown_name), "wrong password": _sign_in(username)}
            )
            registration_times = await _median_times(
                session,
                identity,
                {
                    "unknown number": _register(_UNKNOWN, "1000009"),
                    "wrong invoice": _register(_KNOWN, "1000009"),
                    "older invoice": _register(_KNOWN, "1000001"),
                },
            )
            recovery_times = await _median_times(
                session, identity, {"unknown name": _recover(unknown_name), "known name": _recover(username)}
            )
    finally:
        await identity.close()
    return sign_in_times, registration_times, recovery_times


def _sign_in(username: str) -> Call:
    return "/auth/session", {"username": username, "password": "neljä märkää rukkasta"}, "SIGN_IN_FAILED"


def _register(customer_number: str, invoice_number: str) -> Call:
    command = {
        "customerNumber": customer_number,
        "invoiceNumber": invoice_number,
        "username": "bench register",
        "email": "bench@example.fi",
        "password": "neljä märkää rukkasta",
        "termsVersion": "2026-01",
    }
    return "/graphql", {"query": _REGISTER, "variables": {"input": command}}, "CUSTOMER_NOT_RECOGNISED"


def _recover(username: str) -> Call:
    return "/graphql", {"query": _RECOVER, "variables": {"input": {"account": username}}}, "RecoveryRequested"


async def _median_times(
    session: aiohttp.ClientSession, identity: "asyncpg.Connection[asyncpg.Record]", calls: Mapping[str, Call]
) -> RefusalTimes:
    names: Sequence[str] = [*calls] * (CALLS // len(calls))
    durations: dict[str, list[float]] = {name: [] for name in calls}
    for name in [*random.choices(names, k=WARM_UP), *random.sample(names, len(names))]:
        path, body, expected = calls[name]
        await identity.execute("DELETE FROM attempts")
        began = time.perf_counter()
        async with session.post(path, json=body) as response:
            text = await response.text()
        durations[name].append(time.perf_counter() - began)
        assert expected in text, text
    return RefusalTimes({name: statistics.median(times) for name, times in durations.items()})
