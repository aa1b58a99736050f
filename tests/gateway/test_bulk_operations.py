"""Bulk operations: their cancellation, and their progress for many watchers by one reader."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from gateway.subscriptions.bulk_progress import BulkProgressFeed
from services.chassis.problems import Unauthenticated
from services.chassis.rpc.channel import CallFailed
from services.contracts.bulk_operations import BulkOperationState, BulkProgress
from services.contracts.identity.events import AccessStated, Grant, SessionEnded
from services.contracts.permission import Role, SubjectKind
from tests.gateway.gateway_fixture import GatewayFixture, SubscriptionClient
from tests.gateway.stubs.imports import ImportStub
from tests.gateway.stubs.samples import NOW, STAFF
from tests.support.polling import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

IMPORT = "import_sites_x"
PROGRESS = "subscription ($id: ID!) { bulkOperation(id: $id) { state done total operation { id startedBy { name } } } }"
RUNNING = msgspec.structs.replace(
    ImportStub.progress, operation_id=IMPORT, state=BulkOperationState.RUNNING, done=1, finished_at=None
)
DONE = msgspec.structs.replace(RUNNING, state=BulkOperationState.DONE, done=3, finished_at=NOW)
STATED = AccessStated(
    subject_id=STAFF,
    kind=SubjectKind.STAFF,
    version=1,
    active=True,
    scopes=[],
    grants=[Grant(organisation_id=None, role=Role.ADMIN, billing=True)],
)


async def may_see() -> bool:
    return True


class Owner:
    """An owner whose reads are counted, and wait until a test permits them."""

    def __init__(self, *answers: BulkProgress | Exception | None) -> None:
        self.answers = list(answers)
        self.reads = 0
        self.permitted = asyncio.Semaphore(0)

    async def read(self, operation_id: str) -> BulkProgress | None:
        await self.permitted.acquire()
        self.reads += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def watch(feed: BulkProgressFeed) -> list[int | None]:
    return [item.done if item else None async for item in feed.follow(IMPORT, may_see)]


async def test_the_owner_is_read_once_for_all_watchers() -> None:
    owner = Owner(RUNNING, RUNNING, msgspec.structs.replace(RUNNING, done=2), DONE)
    feed = BulkProgressFeed(owner.read, interval_s=0)
    watchers = [asyncio.create_task(watch(feed)) for _ in range(500)]
    await asyncio.sleep(0)
    for _ in range(4):
        owner.permitted.release()
    assert {tuple(seen) for seen in await asyncio.gather(*watchers)} <= {(1, 2, 3), (1, 3), (2, 3), (3,)}
    assert owner.reads == 4
    assert feed._readers == {}


async def test_a_watcher_that_comes_later_begins_with_what_is_known() -> None:
    owner = Owner(RUNNING, DONE)
    feed = BulkProgressFeed(owner.read, interval_s=0)
    early, late = feed.follow(IMPORT, may_see), feed.follow(IMPORT, may_see)
    owner.permitted.release()
    assert await anext(early) == RUNNING
    assert await anext(late) == RUNNING
    assert owner.reads == 1
    owner.permitted.release()
    assert [[item async for item in one] for one in (early, late)] == [[DONE], [DONE]]


async def test_the_reader_stops_with_its_last_watcher() -> None:
    owner = Owner(RUNNING)
    feed = BulkProgressFeed(owner.read, interval_s=0)
    items = feed.follow(IMPORT, may_see)
    owner.permitted.release()
    await anext(items)
    task = feed._readers[IMPORT].task
    assert task is not None
    await items.aclose()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert feed._readers == {}


async def test_watchers_outlast_an_owner_that_is_unavailable() -> None:
    away = CallFailed("sites", 503, "UNAVAILABLE", [])
    owner = Owner(away, RUNNING, away, DONE)
    owner.permitted = asyncio.Semaphore(4)
    assert await watch(BulkProgressFeed(owner.read, interval_s=0)) in ([1, 3], [3])


async def test_an_operation_that_does_not_exist_is_one_null() -> None:
    owner = Owner(None)
    owner.permitted.release()
    assert await watch(BulkProgressFeed(owner.read, interval_s=0)) == [None]


async def test_a_watcher_whose_access_ends_gets_no_further_item() -> None:
    owner, ended = Owner(RUNNING, DONE), False

    async def may_see_for_now() -> bool:
        if ended:
            raise Unauthenticated
        return True

    items = BulkProgressFeed(owner.read, interval_s=0).follow(IMPORT, may_see_for_now)
    owner.permitted.release()
    await anext(items)
    ended = True
    owner.permitted.release()
    with pytest.raises(Unauthenticated):
        await anext(items)


@pytest.fixture
def running(gateway: GatewayFixture) -> Any:
    gateway.services.sites.progress = RUNNING
    return gateway


@contextlib.asynccontextmanager
async def watching(
    gateway: GatewayFixture, token: str | None, operation: str = IMPORT, query: str = PROGRESS
) -> AsyncIterator[Any]:
    async with gateway.socket(token) as socket:
        payload = {"query": query, "variables": {"id": operation}}
        await socket.connection.send_json({"id": "1", "type": "subscribe", "payload": payload})
        yield socket


async def next_progress(socket: SubscriptionClient) -> Any:
    message = await socket.next_message()
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
    return message["payload"]["data"]["bulkOperation"]


async def test_a_subscription_shows_the_progress_to_the_end(running: GatewayFixture) -> None:
    operation = {"id": IMPORT, "startedBy": {"name": "maija"}}
    async with watching(running, running.staff()) as socket:
        assert await next_progress(socket) == {"state": "RUNNING", "done": 1, "total": 3, "operation": operation}
        running.services.sites.progress = DONE
        assert await next_progress(socket) == {"state": "DONE", "done": 3, "total": 3, "operation": operation}
        assert (await socket.next_message())["type"] == "complete"
    readers = {call.caller.sub for call in running.services.calls_to("import_progress") if call.caller}
    assert readers == {"service:gateway"}


async def test_each_watcher_is_judged_by_reads_of_its_own(running: GatewayFixture) -> None:
    """At the start, and again after each change of its access."""
    numbers = "subscription ($id: ID!) { bulkOperation(id: $id) { state done total } }"

    async def judged() -> list[str]:
        return [call.caller.sid for call in running.services.calls_to("imports_by_id") if call.caller]

    first, second = (running.staff(session=session) for session in ("first", "second"))
    async with watching(running, first, query=numbers) as one, watching(running, second, query=numbers) as other:
        for socket in (one, other):
            await next_progress(socket)
        assert sorted(await judged()) == ["first", "second"]
        await running.publish_identity_event(msgspec.structs.replace(STATED, version=2))
        await until(judged, lambda sessions: sorted(sessions) == ["first", "first", "second", "second"])


async def test_an_operation_of_no_service_is_one_null(running: GatewayFixture) -> None:
    async with watching(running, running.staff(), "import_nobody_x") as socket:
        assert await next_progress(socket) is None
        assert (await socket.next_message())["type"] == "complete"
    assert running.services.calls_to("import_progress") == []


async def test_an_anonymous_watcher_is_refused(running: GatewayFixture) -> None:
    async with watching(running, None) as socket:
        (error,) = await socket.next_errors()
        assert error["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_watcher_whose_session_ends_is_cut_off(running: GatewayFixture) -> None:
    token = running.services.identity.token(STAFF, SubjectKind.STAFF, session="session_1")
    async with watching(running, token) as socket:
        await next_progress(socket)
        await running.publish_identity_event(SessionEnded(session_id="session_1", subject_id=STAFF))
        assert await socket.close_code() == 4403


async def test_a_cancellation_is_answered_with_the_operation(running: GatewayFixture) -> None:
    cancel = """mutation ($id: ID!) { cancelBulkOperation(input: {id: $id}) { __typename
        ... on BulkOperationCancelled { operation { __typename id state badRows { totalCount } } }
        ... on Refusal { problems { code path message } } } }"""
    answer = await running.execute(cancel, running.staff(), id=IMPORT)
    assert answer["data"]["cancelBulkOperation"] == {
        "__typename": "BulkOperationCancelled",
        "operation": {"__typename": "Import", "id": IMPORT, "state": "CANCELLED", "badRows": {"totalCount": 1}},
    }
    running.services.sites.progress = DONE
    for operation, code in ((IMPORT, "ALREADY_ENDED"), ("import_nobody_x", "NOT_FOUND")):
        answer = await running.execute(cancel, running.staff(), id=operation)
        (problem,) = answer["data"]["cancelBulkOperation"]["problems"]
        assert (problem["code"], problem["path"]) == (code, ["input", "id"])
        assert problem["message"]
