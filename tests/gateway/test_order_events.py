"""Following orders' events over a socket: from a cursor on, in order, nothing left out, nothing twice (P1)."""

import datetime as dt
import uuid

import aiohttp
import msgspec
import pytest

from services.chassis.ids import new_uuid, write_id
from services.chassis.log import Cursor
from services.contracts.identity import SessionEnded
from services.contracts.sites import PropertyType, SiteStated
from tests.gateway.actors.samples import ORGANISATION, OTHER_ORGANISATION, PARTNER, order_id, partner_access, site_id
from tests.gateway.house import PROTOCOL, House
from tests.gateway.order_events import moved, placed

pytestmark = pytest.mark.asyncio(loop_scope="module")


def next_sequence(house: House) -> int:
    house.cast.orders.last += 1
    return house.cast.orders.last


def let_in(house: House, *organisations: str | None) -> None:
    """The partner reaches these organisations; the version is new in each test of this gateway."""
    known = house.cast.identity.access.get(PARTNER)
    version = known.version + 1 if known else 1
    house.cast.identity.access[PARTNER] = partner_access(*organisations, version=version)


async def test_a_subscriber_gets_its_cursor_first_and_then_what_happens(house: House) -> None:
    let_in(house, ORGANISATION)
    async with house.socket(house.partner()) as socket:
        await socket.subscribe()
        first = await socket.item()
        assert first == {
            "__typename": "Checkpoint",
            "cursor": str(Cursor(house.cast.orders.generation, house.cast.orders.last)),
        }
        sent = await house.publish(placed(7), next_sequence(house))
        event = await socket.item()
        assert event["type"] == "orders.order.placed"
        assert event["subject"] == order_id(7)
        assert event["organisationId"] == ORGANISATION
        assert event["sequence"] == sent.sequence
        assert event["cursor"] == sent.cursor
        assert event["time"].endswith("Z")
        assert msgspec.json.decode(event["data"])["orderId"] == order_id(7)


async def test_a_subscriber_that_comes_back_gets_what_it_missed_and_nothing_twice(house: House) -> None:
    let_in(house, None)
    start = house.cast.orders.last
    for number in range(10):
        await house.publish(placed(number), next_sequence(house))
    seen = []
    async with house.socket(house.partner()) as socket:
        await socket.subscribe(after=str(Cursor(house.cast.orders.generation, start)))
        await socket.item()
        seen += [await socket.item() for _ in range(6)]
    for number in range(10, 20):
        await house.publish(placed(number), next_sequence(house))
    async with house.socket(house.partner()) as socket:
        await socket.subscribe(after=seen[-1]["cursor"])
        assert (await socket.item())["cursor"] == seen[-1]["cursor"]
        seen += [await socket.item() for _ in range(14)]
        for number in range(20, 25):
            await house.publish(placed(number), next_sequence(house))
        seen += [await socket.item() for _ in range(5)]
    assert [one["subject"] for one in seen] == [order_id(number) for number in range(25)]


async def test_the_whole_log_from_its_start(house: House) -> None:
    let_in(house, None)
    await house.publish(placed(1), next_sequence(house))
    async with house.socket(house.partner()) as socket:
        await socket.subscribe(after="START")
        assert (await socket.item()) == {"__typename": "Checkpoint", "cursor": "START"}
        shown = [await socket.item() for _ in house.cast.orders.log]
        assert [one["sequence"] for one in shown] == [one.sequence for one in house.cast.orders.log]


async def test_an_event_that_comes_too_early_waits_for_the_one_before(house: House) -> None:
    let_in(house, None)
    async with house.socket(house.partner()) as socket:
        await socket.subscribe()
        await socket.item()
        first, second, third = (next_sequence(house) for _ in range(3))
        numbered = [(1, first), (2, second), (3, third)]
        for number, sequence in numbered:  # all are in the log before any is sent, as committed events are
            await house.publish(placed(number), sequence, sent=False)
        for number, sequence in reversed(numbered):
            await house.publish(placed(number), sequence, logged=False)
        assert [(await socket.item())["sequence"] for _ in range(3)] == [first, second, third]


async def test_what_kafka_does_not_bring_is_read_from_the_log(house: House) -> None:
    let_in(house, None)
    async with house.socket(house.partner()) as socket:
        await socket.subscribe()
        await socket.item()
        await house.publish(placed(1), next_sequence(house))
        await house.publish(placed(2), next_sequence(house), sent=False)
        await house.publish(placed(3), next_sequence(house))
        subjects = [(await socket.item())["subject"] for _ in range(3)]
        assert subjects == [order_id(1), order_id(2), order_id(3)]


async def test_what_is_not_for_partners_is_passed_over(house: House) -> None:
    let_in(house, None)
    internal = SiteStated(
        site_id=site_id(1),
        organisation_id=ORGANISATION,
        site_number="S1",
        municipality="Kouvola",
        area="A1",
        property_type=PropertyType.HOUSE,
        dwellings=1,
        version=1,
    )
    async with house.socket(house.partner()) as socket:
        await socket.subscribe()
        await socket.item()
        await house.publish(internal, next_sequence(house), logged=False)
        await house.publish(placed(5), next_sequence(house))
        assert (await socket.item())["subject"] == order_id(5)


async def test_filters_by_type_organisation_and_site(house: House) -> None:
    let_in(house, None)
    async with house.socket(house.partner()) as socket:
        await socket.subscribe(types=["orders.order.moved"], organisationId=OTHER_ORGANISATION, siteId=site_id(2))
        await socket.item()
        await house.publish(placed(1, OTHER_ORGANISATION, 2), next_sequence(house))
        await house.publish(moved(2, ORGANISATION, 2), next_sequence(house))
        await house.publish(moved(3, OTHER_ORGANISATION, 1), next_sequence(house))
        await house.publish(moved(4, OTHER_ORGANISATION, 2), next_sequence(house))
        assert (await socket.item())["subject"] == order_id(4)


async def test_a_partner_sees_its_organisations_alone_as_they_are_now(house: House) -> None:
    let_in(house, ORGANISATION)
    version = house.cast.identity.access[PARTNER].version
    async with house.socket(house.partner()) as socket:
        await socket.subscribe()
        await socket.item()
        await house.publish(placed(1, OTHER_ORGANISATION), next_sequence(house))
        await house.publish(placed(2), next_sequence(house))
        assert (await socket.item())["subject"] == order_id(2)
        await house.state(partner_access(ORGANISATION, OTHER_ORGANISATION, version=version + 1))
        await house.noticed(PARTNER, version + 1)
        await house.publish(placed(3, OTHER_ORGANISATION), next_sequence(house))
        assert (await socket.item())["subject"] == order_id(3)
        await house.state(partner_access(version=version + 2))
        await house.noticed(PARTNER, version + 2)
        await house.publish(placed(4, OTHER_ORGANISATION), next_sequence(house))
        await house.publish(placed(5), next_sequence(house))
        with pytest.raises(TimeoutError):
            await socket.item(timeout_s=0.5)
    let_in(house, ORGANISATION)
    house.cast.identity.access[PARTNER] = partner_access(ORGANISATION, version=version + 3)


async def test_an_empty_list_of_organisations_is_none(house: House) -> None:
    let_in(house)
    async with house.socket(house.partner()) as socket:
        await socket.subscribe(after="START")
        await socket.item()
        await house.publish(placed(1), next_sequence(house))
        with pytest.raises(TimeoutError):
            await socket.item(timeout_s=0.5)


@pytest.mark.parametrize("scope", ["orders:read", ""])
async def test_a_partner_without_the_scope_is_refused(house: House, scope: str) -> None:
    let_in(house, ORGANISATION)
    async with house.socket(house.partner(scope=scope), **{"Accept-Language": "fi"}) as socket:
        await socket.subscribe()
        item = await socket.item()
        assert item["problems"] == [{"code": "FORBIDDEN", "message": "Sinulla ei ole oikeutta tähän toimintoon."}]
        assert (await socket.message())["type"] == "complete"


async def test_members_poll_no_events_here(house: House) -> None:
    async with house.socket(house.user()) as socket:
        await socket.subscribe()
        assert (await socket.item())["problems"][0]["code"] == "FORBIDDEN"


async def test_a_stranger_gets_an_error(house: House) -> None:
    async with house.socket(None) as socket:
        await socket.subscribe()
        message = await socket.message()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert errors[0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_cursor_of_another_generation_has_expired(house: House) -> None:
    let_in(house, None)
    async with house.socket(house.partner()) as socket:
        await socket.subscribe(after=str(Cursor(uuid.uuid4(), 3)))
        item = await socket.item()
        start = str(Cursor(house.cast.orders.generation, 0))
        assert item == {"__typename": "CursorExpired", "code": "CURSOR_EXPIRED", "start": start}
        assert (await socket.message())["type"] == "complete"


async def test_a_partner_that_is_revoked_is_put_out(house: House) -> None:
    let_in(house, None)
    version = house.cast.identity.access[PARTNER].version
    async with house.socket(house.partner()) as socket:
        await socket.subscribe()
        await socket.item()
        await house.state(partner_access(version=version + 1, active=False))
        assert await socket.closed() == 4403
    assert (await house.ask("{ events { __typename } }", house.partner()))["status"] == 401
    house.cast.identity.access[PARTNER] = partner_access(None, version=version + 2)
    await house.state(partner_access(None, version=version + 2))
    await house.noticed(PARTNER, version + 2)
    assert (await house.ask("{ events { __typename } }", house.partner()))["status"] == 200


async def test_a_scope_that_is_taken_away_ends_an_idle_subscription(house: House) -> None:
    let_in(house, None)
    version = house.cast.identity.access[PARTNER].version
    async with house.socket(house.partner()) as socket:
        await socket.subscribe()
        await socket.item()
        await house.state(msgspec.structs.replace(partner_access(None, version=version + 1), scopes=["orders:read"]))
        assert (await socket.item())["problems"][0]["code"] == "FORBIDDEN"
        assert (await socket.message())["type"] == "complete"
    await house.state(partner_access(None, version=version + 2))
    await house.noticed(PARTNER, version + 2)
    house.cast.identity.access[PARTNER] = partner_access(None, version=version + 2)


async def test_a_session_that_ends_ends_its_sockets_and_its_tokens(house: House) -> None:
    session, other = write_id("session", new_uuid()), write_id("session", new_uuid())
    async with house.socket(house.user(session=session)) as ending, house.socket(house.user(session=other)) as staying:
        await house.state(SessionEnded(session_id=session, subject_id="user_x"))
        assert await ending.closed() == 4403
        await staying.subscribe()
        assert (await staying.item())["__typename"] == "Refusal"
    assert (await house.ask("{ me { id } }", house.user(session=session)))["status"] == 401
    assert (await house.ask("{ me { id } }", house.user(session=other)))["status"] == 200


async def test_a_token_that_expires_closes_its_socket(house: House) -> None:
    async with house.socket(house.staff(valid_for=dt.timedelta(seconds=2))) as socket:
        assert await socket.closed() == 4403


async def test_a_restored_log_is_told_to_those_who_follow(house: House) -> None:
    let_in(house, None)
    async with house.socket(house.partner()) as socket:
        await socket.subscribe()
        await socket.item()
        house.cast.orders.generation = uuid.uuid4()
        house.cast.orders.log.clear()
        house.cast.orders.last += 100
        await house.publish(placed(1), next_sequence(house))
        assert (await socket.item())["__typename"] == "CursorExpired"
    async with house.socket(house.partner()) as socket:
        await socket.subscribe()
        await socket.item()
        await house.publish(placed(2), next_sequence(house))
        assert (await socket.item())["subject"] == order_id(2)
        await house.publish(placed(3), next_sequence(house), sent=False)
        await house.publish(placed(4), next_sequence(house))
        assert [(await socket.item())["subject"] for _ in range(2)] == [order_id(3), order_id(4)]


async def test_queries_run_over_the_socket_too(house: House) -> None:
    async with house.socket(house.user()) as socket:
        await socket.connection.send_json({"id": "q", "type": "subscribe", "payload": {"query": "{ me { username } }"}})
        assert (await socket.message())["payload"] == {"data": {"me": {"username": "maija"}}}


async def test_who_says_nothing_is_put_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.endpoint.sockets, "init_s", 0.05)
    async with house.session.ws_connect(f"{house.url}/graphql", protocols=[PROTOCOL]) as connection:
        await connection.receive(timeout=60)
        assert connection.close_code == 4408


async def test_a_page_of_another_origin_opens_no_socket(house: House) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await house.session.ws_connect(f"{house.url}/graphql", protocols=[PROTOCOL], origin="https://evil.example")


async def test_the_protocols_close_codes(house: House) -> None:
    async def code_after(*messages: object, protocol: str = PROTOCOL) -> int | None:
        async with house.session.ws_connect(f"{house.url}/graphql", protocols=[protocol]) as connection:
            for message in messages:
                await connection.send_json(message)
            while not connection.closed:
                await connection.receive(timeout=60)
            return connection.close_code

    init = {"type": "connection_init"}
    subscribe = {"id": "1", "type": "subscribe", "payload": {"query": "{ me { id } }"}}
    assert await code_after(subscribe) == 4401
    assert await code_after(init, init) == 4429
    assert await code_after({"type": "nonsense"}) == 4400
    assert await code_after(init | {"payload": {"Authorization": "Bearer nonsense"}}) == 4403
    assert await code_after(init, protocol="graphql-ws") == 4406
