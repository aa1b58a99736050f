"""Every operation of every service, with valid and invalid requests that are generated from its document.

They are the same in every run.
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
"""Valid requests for each operation, and as many invalid ones."""
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


# Hypothesis draws in a thread; the random numbers of the service beside it are of no strategy.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
@property_test
@pytest.mark.parametrize("service", SERVICES)
async def test_every_response_conforms_to_the_document(
    service: str,
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
    tmp_path: Path,
) -> None:
    blueprint, insert_rows, cases = SERVICES[service]
    url = await make_database(blueprint)
    pool = await open_pool(url)
    await insert_rows(pool)
    async with serve_service(blueprint, url, pool, clock, tmp_path) as endpoint:
        await asyncio.to_thread(_call_everything, endpoint, _ids_in(cases))


def _call_everything(endpoint: ServiceEndpoint, ids: list[str]) -> None:
    document = schemathesis.openapi.from_url(f"{endpoint.url}/openapi.json", config=schemathesis.Config(seed=1))
    with requests.Session() as session:
        for one in document.get_all_operations():
            assert isinstance(one, Ok), one.err()
            for mode in schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE:
                _call(one.ok(), mode, endpoint, ids, session)


def _call(
    operation: Operation,
    mode: schemathesis.GenerationMode,
    endpoint: ServiceEndpoint,
    ids: list[str],
    session: requests.Session,
) -> None:
    @settings(
        max_examples=max_examples(EXAMPLES), derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode), who=st.sampled_from(CALLERS), data=st.data())
    def send(case: schemathesis.Case[Any], who: CallerCase, data: st.DataObject) -> None:
        headers = endpoint.headers(CallerCase.BY_GATEWAY if _is_for_gateway(operation) else who)
        case.headers.clear()  # the documents declare none; made-up ones break HTTP itself
        case.body = _with_ids(case.body, st.sampled_from(ids), data)
        response = case.call(session=session, headers=headers)
        case.validate_response(response, checks=CHECKS, excluded_checks=_rejected_keywords(operation), headers=headers)

    send()


def _is_for_gateway(operation: Operation) -> bool:
    return {"gateway": []} in operation.definition.raw["security"]


def _rejected_keywords(operation: Operation) -> list[schemathesis.CheckFunction]:
    """Return the checks that Schemathesis fails on ``prefixItems`` inside ``items``, which a batch's pairs have."""
    return [response_schema_conformance] if operation.path == batch_protocol.PATH else []


def _with_ids(value: Any, ids: st.SearchStrategy[str], data: st.DataObject, name: str = "") -> Any:
    """Return a value with existing ids in some of the places of ids."""
    if isinstance(value, dict):
        return {key: _with_ids(one, ids, data, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_ids(one, ids, data, name) for one in value]
    if isinstance(value, str) and name.lower().endswith(("id", "ids")) and data.draw(st.booleans()):
        return data.draw(ids)
    return value


def _ids_in(cases: dict[str, Case]) -> list[str]:
    """Return the ids of the permission matrix."""
    ids = {ORG_A, SITE_A}
    for arguments, _ in cases.values():
        given_to = arguments(CallerCase.ADMIN) if callable(arguments) else arguments
        ids.update(_ID.findall(msgspec.json.encode(given_to).decode()))
    return sorted(ids)
