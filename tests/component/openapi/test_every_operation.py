"""Every operation of every service, with valid and invalid requests that are generated from its document.

They are the same in every run.
"""

import asyncio
from typing import Any

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

from services.chassis.rpc import batch_protocol
from tests.component.conftest import ServeWalked
from tests.component.permission.callers import CallerCase, ServiceEndpoint
from tests.component.permission.walked_services import WALKED_SERVICES
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


# Hypothesis draws in a thread; the random numbers of the service beside it are of no strategy.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
@property_test
@pytest.mark.parametrize("service", WALKED_SERVICES)
async def test_every_response_conforms_to_the_document(
    service: str,
    serve_walked: ServeWalked,
) -> None:
    walked = WALKED_SERVICES[service]
    async with serve_walked(walked) as (endpoint, _):
        await asyncio.to_thread(_call_everything, endpoint, sorted(walked.ids.values()))


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
