"""The permission walk of a service."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from tests.component.conftest import ServeWalked
from tests.component.permission.walk import check_permissions
from tests.component.permission.walked_service import WalkedService

WalkPermissions = Callable[[WalkedService], Awaitable[list[str]]]


@pytest.fixture
def walk_permissions(serve_walked: ServeWalked) -> WalkPermissions:
    """Call every operation of a service as every caller, and return the deviations from its permissions."""

    async def walk(walked: WalkedService) -> list[str]:
        async with serve_walked(walked) as (endpoint, examples):
            contract = cast(Any, walked.blueprint.contract)
            return await check_permissions(endpoint, contract, examples, walked.ids, walked.foreign)

    return walk
