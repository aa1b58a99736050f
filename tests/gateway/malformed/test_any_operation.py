"""Random operations of the schema, by any caller: the response has status 200 and its form, and nothing is UNEXPECTED.

The operations are the same in every run.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from tests.gateway.gateway_fixture import GatewayFixture
from tests.gateway.malformed.raw_http import TIMEOUT_S
from tests.gateway.malformed.response_check import check_shape
from tests.support.graph_scalars import SCALARS
from tests.support.hypothesis_profiles import max_examples, property_test

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # Hypothesis draws in a thread, while the gateway uses the random module for itself.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"),
]

EXAMPLES = 25
SCHEMA = Path(__file__).parents[3] / "gateway" / "schema.graphql"
for name, strategy in SCALARS.items():
    schemathesis.graphql.scalar(name, strategy)


def _fields() -> dict[str, schemathesis.APIOperation[Any, Any, Any, Any]]:
    """Return every field of Query and Mutation."""
    schema = schemathesis.graphql.from_path(SCHEMA, config=schemathesis.Config(seed=1))
    return {one.ok().label: one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)}


FIELDS = _fields()


@property_test
@pytest.mark.parametrize("field", FIELDS)
async def test_any_operation(gateway: GatewayFixture, field: str) -> None:
    callers = {"anonymous": "", "a user": gateway.user(), "staff": gateway.staff(), "a partner": gateway.partner()}
    await asyncio.to_thread(_check_field, FIELDS[field], f"{gateway.url}/graphql", callers)


def _check_field(field: schemathesis.APIOperation[Any, Any, Any, Any], url: str, callers: dict[str, str]) -> None:
    @settings(
        max_examples=max_examples(EXAMPLES), derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=field.as_strategy(), who=st.sampled_from(sorted(callers)))
    def ask(case: schemathesis.Case[Any], who: str) -> None:
        headers = {"Authorization": f"Bearer {callers[who]}"} if callers[who] else {}
        response = case.call(base_url=url, session=session, headers=headers, timeout=TIMEOUT_S)
        assert response.status_code in (200, 400), response.text
        assert not (violation := check_shape(response.json(), response.status_code)), violation

    with requests.Session() as session:
        ask()
