"""Each service, on its database, asked whatever its document allows and much that it does not.

What is drawn is the same in every run.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.chassis.db.postgres import Pool
from services.chassis.rpc import batch_protocol
from services.hosting.blueprint import Blueprint
from services.identity.app import IDENTITY
from services.orders.app import ORDERS
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.component.permission import test_identity, test_orders, test_sites, test_stats, test_support
from tests.component.permission.callers import ORG_A, SITE_A, CallerCase, ServiceEndpoint, serve_service
from tests.component.permission.matrix import Case
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.hypothesis_profiles import max_examples, property_test

EXAMPLES = 10
"""Good ones for each operation, and as many bad ones."""
CALLERS = (CallerCase.ADMIN, CallerCase.STAFF, CallerCase.PARTNER, CallerCase.SERVICE)
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Operation = schemathesis.APIOperation[Any, Any, Any, Any]

SERVICES: dict[str, tuple[Blueprint[Any, Any], Callable[[Pool], Awaitable[None]], dict[str, Case]]] = {
    "identity": (IDENTITY, test_identity.insert_rows, test_identity.CASES),
    "sites": (SITES, test_sites.insert_rows, test_sites.CASES),
    "orders": (ORDERS, test_orders.insert_rows, test_orders.CASES),
    "stats": (STATS, test_stats.insert_rows, test_stats.CASES),
    "support": (SUPPORT, test_support.insert_rows, test_support.CASES),
}
_ID = re.compile(r"\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b")


# Hypothesis draws in a thread, the service beside it draws numbers of its own: that is no strategy's.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
@property_test
@pytest.mark.parametrize("service", SERVICES)
async def test_every_answer_is_as_the_document_says(
    service: str,
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
    tmp_path: Path,
) -> None:
    blueprint, furnish, cases = SERVICES[service]
    url = await make_database(blueprint)
    pool = await open_pool(url)
    await furnish(pool)
    async with serve_service(blueprint, url, pool, clock, tmp_path) as door:
        await asyncio.to_thread(_call_everything, door, _ids_in(cases))


def _call_everything(door: ServiceEndpoint, ids: list[str]) -> None:
    document = schemathesis.openapi.from_url(f"{door.url}/openapi.json", config=schemathesis.Config(seed=1))
    with requests.Session() as session:
        for one in document.get_all_operations():
            assert isinstance(one, Ok), one.err()
            for mode in schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE:
                _call(one.ok(), mode, door, ids, session)


def _call(
    operation: Operation,
    mode: schemathesis.GenerationMode,
    door: ServiceEndpoint,
    ids: list[str],
    session: requests.Session,
) -> None:
    @settings(
        max_examples=max_examples(EXAMPLES), derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode), who=st.sampled_from(CALLERS), data=st.data())
    def ask(case: schemathesis.Case[Any], who: CallerCase, data: st.DataObject) -> None:
        headers = door.headers(CallerCase.BY_GATEWAY if _is_for_strangers(operation) else who)
        case.headers.clear()  # the documents declare none; made-up ones break HTTP itself
        case.body = _with_ids(case.body, st.sampled_from(ids), data)
        response = case.call(session=session, headers=headers)
        case.validate_response(response, checks=CHECKS, excluded_checks=_rejected_keywords(operation), headers=headers)

    ask()


def _is_for_strangers(operation: Operation) -> bool:
    return {"gateway": []} in operation.definition.raw["security"]


def _rejected_keywords(operation: Operation) -> list[schemathesis.CheckFunction]:
    """Schemathesis takes ``prefixItems`` inside ``items`` for a mistake: a round trip's pairs have it."""
    return [response_schema_conformance] if operation.path == batch_protocol.PATH else []


def _with_ids(value: Any, ids: st.SearchStrategy[str], data: st.DataObject, name: str = "") -> Any:
    """The same, with ids of things that there are in some places where an id is expected."""
    if isinstance(value, dict):
        return {key: _with_ids(one, ids, data, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_ids(one, ids, data, name) for one in value]
    if isinstance(value, str) and name.lower().endswith(("id", "ids")) and data.draw(st.booleans()):
        return data.draw(ids)
    return value


def _ids_in(cases: dict[str, Case]) -> list[str]:
    """Ids that the walk through permissions asks for."""
    found = {ORG_A, SITE_A}
    for arguments, _ in cases.values():
        given_to = arguments(CallerCase.ADMIN) if callable(arguments) else arguments
        found.update(_ID.findall(msgspec.json.encode(given_to).decode()))
    return sorted(found)
