"""Imports that were uploaded, went on or ended since an earlier look at those of their kind."""

import asyncio
import random
import uuid
from typing import Any

import pytest

from services.chassis.db.retention import delete_expired
from services.chassis.ids import read_id
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.people import Language
from services.contracts.imports import Import, ImportFilter, ImportOrder, ImportOrderField
from services.contracts.sites import Sites
from services.contracts.values import Connection, Page
from services.sites.app import SITES
from services.sites.store.transaction import SitesTransaction
from tests.component.sites.test_import_sites import HEADER, Harness
from tests.support.chunks import iterate_chunks
from tests.support.fixtures import MakeHarness
from tests.support.list_follower import Follower, Write, follow, next_changes

FILE = b"container_number,site_number,fraction,litres,count\n"


def follower(harness: Harness, kind: str, states: list[BulkOperationState] | None = None) -> Follower:
    oldest_first = ImportOrder(field=ImportOrderField.UPLOADED_AT) if states else None

    async def read(page: Page) -> Connection[Import]:
        return await harness.imports.queries.imports(kind, page, ImportFilter(states=states), oldest_first)

    return Follower(read, lambda one: (one.id, (one.kind, one.state, one.total)), backward=states is not None)


def writes(rng: random.Random) -> list[Write]:
    """Return the writes of imports."""
    ids: list[uuid.UUID] = []

    async def insert(connection: Any, one: uuid.UUID) -> None:
        kind = rng.choice(["sites", "sites", "containers"])
        await connection.execute("INSERT INTO chassis.imports (id, kind, file_name) VALUES ($1, $2, '')", one, kind)

    async def count(connection: Any, one: uuid.UUID) -> None:
        await connection.execute("UPDATE chassis.imports SET total = total + 1 WHERE id = $1", one)

    async def go_on(connection: Any, one: uuid.UUID) -> None:
        state = rng.choice(["RUNNING", "DONE", "FAILED"])
        await connection.execute("UPDATE chassis.imports SET state = $2 WHERE id = $1", one, state)

    async def delete(connection: Any, one: uuid.UUID) -> None:
        await connection.execute("DELETE FROM chassis.imports WHERE id = $1", one)

    return [
        Write(ids, insert, inserts=True),
        Write(ids, insert, inserts=True),
        *(Write(ids, write) for write in (count, go_on, go_on, delete)),
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_a_reader_that_follows_the_tokens_has_the_imports(
    make_harness: MakeHarness[SitesTransaction, Sites], seed: int
) -> None:
    harness, rng = await make_harness(SITES), random.Random(seed)
    followers = [
        follower(harness, "sites"),
        follower(harness, "containers"),
        follower(harness, "sites", [BulkOperationState.RUNNING, BulkOperationState.FAILED]),
    ]
    await follow(harness.pool, rng, followers, writes(rng), steps=120)
    assert {one.read_anew for one in followers} == {0}


async def test_an_import_is_followed_to_its_end_and_its_deletion(
    make_harness: MakeHarness[SitesTransaction, Sites],
) -> None:
    harness = await make_harness(SITES)
    lists = harness.imports.queries
    await harness.imports.upload("sites", "s.csv", iterate_chunks(HEADER.encode()))
    token: str | None = None

    async def look() -> tuple[list[tuple[str, BulkOperationState]], list[str]]:
        nonlocal token
        page = await lists.imports("containers", Page(updated_after=token))
        token = page.page_info.updated_until
        return [(edge.node.id, edge.node.state) for edge in page.edges], page.removed

    async def changes() -> tuple[list[tuple[str, BulkOperationState]], list[str]]:
        return await next_changes(look, ([], []))

    assert await changes() == ([], [])
    other = await harness.imports.upload("sites", "s.csv", iterate_chunks(HEADER.encode()))
    await harness.imports.start(other.id, Language.EN)
    assert await changes() == ([], []), "an import of another kind"
    uploaded = await harness.imports.upload("containers", "c.csv", iterate_chunks(FILE))
    assert await changes() == ([(uploaded.id, BulkOperationState.STAGED)], [])
    await harness.imports.start(uploaded.id, Language.EN)
    assert await changes() == ([(uploaded.id, BulkOperationState.RUNNING)], [])
    await harness.run_import(uploaded.id)
    assert await changes() == ([(uploaded.id, BulkOperationState.DONE)], [])
    await harness.pool.execute(
        "UPDATE chassis.imports SET staged_at = staged_at - interval '31 days' WHERE id = $1",
        read_id("import_sites", uploaded.id),
    )
    await delete_expired(harness.pool, asyncio.Event())
    assert await changes() == ([], [uploaded.id])
