"""The operations that a service's own token may call, at any service."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.chassis.db.postgres import Pool
from services.chassis.ids import new_uuid, write_id
from services.chassis.rpc.signature import Signature, signatures
from services.contracts.imports import OWNER_BY_KIND
from services.hosting.blueprint import Blueprint
from services.identity.app import IDENTITY
from services.orders.app import ORDERS
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.component.permission.callers import ServiceEndpoint, serve_service
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase

SERVICES = ("gateway", "identity", "sites", "orders", "stats", "support")
ALLOWED = {
    ("identity", "accessOf"): {"gateway", "sites", "orders", "stats", "support"},
    ("identity", "contacts"): {"support"},
    ("orders", "events"): {"gateway"},
    ("orders", "orderSummaries"): {"support"},
    ("orders", "pickupSummaries"): {"support"},
    ("orders", "sitesOfThings"): {"support"},
    ("sites", "siteContacts"): {"support"},
    **{(service, "importsById"): {"support"} for service in OWNER_BY_KIND.values()},
    **{(service, "importProgress"): {"gateway"} for service in OWNER_BY_KIND.values()},
}


@pytest.mark.parametrize("blueprint", [IDENTITY, SITES, ORDERS, STATS, SUPPORT], ids=lambda blueprint: blueprint.name)
async def test_a_service_may_call_its_own_operations_only(
    blueprint: Blueprint[Any, Any],
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
    tmp_path: Path,
) -> None:
    url = await make_database(blueprint)
    async with serve_service(blueprint, url, await open_pool(url), clock, tmp_path) as endpoint:
        contract: Any = blueprint.contract
        operations = {name: one for name, one in signatures(contract).items() if not one.declared.public}
        subject = write_id("user", new_uuid())
        for name, operation in operations.items():
            for tokens in ({one: endpoint.service_token(one, of) for one in (*SERVICES, "x")} for of in ("", subject)):
                allowed = {one for one, token in tokens.items() if await _is_allowed(endpoint, token, operation)}
                assert allowed == ALLOWED.get((blueprint.name, name), set()), name


async def _is_allowed(endpoint: ServiceEndpoint, token: str, operation: Signature) -> bool:
    """Return whether a service may call an operation, alone and in a batch alike: its arguments are read after that."""
    headers = {"Authorization": f"Bearer {token}"}
    status, _ = await endpoint.call_with(headers, operation.name, {"unknown": 1})
    assert status in (400, 403)
    if operation.batchable:
        _, body = await endpoint.call_with(headers, "", [[operation.name, {"unknown": 1}]])
        assert msgspec.json.decode(body)[0][0] == status
    return status == 400
