"""All audits of `graphql-http` 1.23.1: GraphQL over HTTP to the letter, recommendations and options included."""

import asyncio
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from deploy.local.paths import USUAL_HOME
from tests.gateway.house import House
from tests.support.made import made
from tests.support.node import INSTALL_LOCKED, NODE

pytestmark = pytest.mark.asyncio(loop_scope="module")

_HERE = Path(__file__).parent
NAMES = (_HERE / "names.txt").read_text().splitlines()
"""An audit a line, as the suite calls it: pytest names the tests before anything is installed."""


class Audited(msgspec.Struct, frozen=True):
    """What came of an audit. ``status`` is ok, or how bad the suite finds it that it is not; ``reason`` says why."""

    id: str
    name: str
    status: str
    reason: str = ""


Found = dict[str, Audited]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(running: House) -> Found:
    """What came of each audit, by its name, in one run of the suite."""
    folder = await asyncio.to_thread(
        made, _HERE / "suite", USUAL_HOME / "audits", files="package*.json", by=INSTALL_LOCKED
    )
    script = str(folder / "audit.js")
    node = await asyncio.create_subprocess_exec(
        *(NODE, script, f"{running.url}/graphql", running.staff()), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(node.communicate(), 60)
    return {f"{one.id} {one.name}": one for one in msgspec.json.decode(printed, type=list[Audited])}


async def test_these_are_all_audits(found: Found) -> None:
    assert list(found) == NAMES
    assert len(NAMES) == 61


@pytest.mark.parametrize("name", NAMES, ids=NAMES)
async def test_audit(found: Found, name: str) -> None:
    assert found[name].status == "ok", found[name].reason
