"""All audits of `graphql-http` 1.23.1 of GraphQL over HTTP, recommendations and options included."""

import asyncio
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from deploy.local.paths import DEFAULT_HOME
from tests.gateway.gateway_fixture import GatewayFixture
from tests.support.build_cache import build_once
from tests.support.node import INSTALL_LOCKED, NODE

pytestmark = pytest.mark.asyncio(loop_scope="module")

_HERE = Path(__file__).parent
AUDIT_NAMES = (_HERE / "names.txt").read_text().splitlines()
"""The suite's names of its audits, a line each: pytest collects the tests before the suite is installed."""


class AuditResult(msgspec.Struct, frozen=True):
    """The result of an audit. ``status`` is ok, or the suite's severity; ``reason`` explains a failure."""

    id: str
    name: str
    status: str
    reason: str = ""


AuditResults = dict[str, AuditResult]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def audit_results(shared_gateway: GatewayFixture) -> AuditResults:
    """Run the suite and return the results by name."""
    folder = await asyncio.to_thread(
        build_once, _HERE / "suite", DEFAULT_HOME / "audits", files="package*.json", by=INSTALL_LOCKED
    )
    script = str(folder / "audit.js")
    node = await asyncio.create_subprocess_exec(
        *(NODE, script, f"{shared_gateway.url}/graphql", shared_gateway.staff()), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(node.communicate(), 60)
    return {f"{one.id} {one.name}": one for one in msgspec.json.decode(printed, type=list[AuditResult])}


async def test_the_list_of_audits_is_complete(audit_results: AuditResults) -> None:
    assert list(audit_results) == AUDIT_NAMES
    assert len(AUDIT_NAMES) == 61


@pytest.mark.parametrize("name", AUDIT_NAMES, ids=AUDIT_NAMES)
async def test_audit(audit_results: AuditResults, name: str) -> None:
    assert audit_results[name].status == "ok", audit_results[name].reason
