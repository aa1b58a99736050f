"""The subscription to orders' events over a socket: after a cursor, in order, exactly once (P1)."""

import datetime as dt
import uuid

import aiohttp
import msgspec
import pytest

from services.chassis.events.event_log import Cursor
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.events import SessionEnded
from services.contracts.sites import PropertyType, SiteStated
from tests.gateway.gateway_fixture import PROTOCOL, GatewayFixture
from tests.gateway.order_events import moved, placed
from tests.gateway.stubs.samples import (
    ORGANISATION,
    OTHER_ORGANISATION,
    PARTNER,
    USER,
    member_access,
    order_id,
    partner_access,
    site_id,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def next_sequence(gateway: GatewayFixture) -> int:
    gateway.services.orders.last += 1
    return gateway.services.orders.last


def let_in(gateway: GatewayFixture, *organisations: str | None) -> None:
    """Grant the partner these organisations, with a new version for each test of this gateway."""
    known = gateway.services.identity.access.get(PARTNER)
    version = known.version + 1 if known else 1
    gateway.services.identity.access[PARTNER] = partner_access(*organisations, version=version)


async def test_a_subscriber_gets_its_cursor_first_and_then_events(gateway: GatewayFixture) -> None:
    let_in(gateway, ORGANISATION)
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe()
        first = await socket.next_item()
        assert first == {
            "__typename": "Checkpoint",
            "cursor": str(Cursor(gateway.services.orders.generation, gateway.services.orders.last)),
        }
        sent = await gateway.publish(placed(7), next_sequence(gateway))
        event = await socket.next_item()
        assert event["type"] == "orders.order.placed"
        assert event["subject"] == order_id(7)
        assert event["organisationId"] == ORGANISATION
        assert event["sequence"] == sent.sequence
        assert event["cursor"] == sent.cursor
        assert event["time"].endswith("Z")
        assert event["data"]["orderId"] == event["orderId"] == order_id(7)


async def test_a_resumed_subscription_gets_missed_events_exactly_once(gateway: GatewayFixture) -> None:
    let_in(gateway, None)
    start = gateway.services.orders.last
    for number in range(10):
        await gateway.publish(placed(number), next_sequence(gateway))
    seen = []
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe(after=str(Cursor(gateway.services.orders.generation, start)))
        await socket.next_item()
        seen += [await socket.next_item() for _ in range(6)]
    for number in range(10, 20):
        await gateway.publish(placed(number), next_sequence(gateway))
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe(after=seen[-1]["cursor"])
        assert (await socket.next_item())["cursor"] == seen[-1]["cursor"]
        seen += [await socket.next_item() for _ in range(14)]
        for number in range(20, 25):
            await gateway.publish(placed(number), next_sequence(gateway))
        seen += [await socket.next_item() for _ in range(5)]
    assert [one["subject"] for one in seen] == [order_id(number) for number in range(25)]


async def test_the_whole_log_from_its_start(gateway: GatewayFixture) -> None:
    let_in(gateway, None)
    await gateway.publish(placed(1), next_sequence(gateway))
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe(after="START")
        assert (await socket.next_item()) == {"__typename": "Checkpoint", "cursor": "START"}
        shown = [await socket.next_item() for _ in gateway.services.orders.log]
        assert [one["sequence"] for one in shown] == [one.sequence for one in gateway.services.orders.log]


async def test_an_early_event_waits_for_the_previous_one(gateway: GatewayFixture) -> None:
    let_in(gateway, None)
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe()
        await socket.next_item()
        first, second, third = (next_sequence(gateway) for _ in range(3))
        numbered = [(1, first), (2, second), (3, third)]
        for number, sequence in numbered:  # all are in the log before any is published, as committed events are
            await gateway.publish(placed(number), sequence, sent=False)
        for number, sequence in reversed(numbered):
            await gateway.publish(placed(number), sequence, logged=False)
        assert [(await socket.next_item())["sequence"] for _ in range(3)] == [first, second, third]


async def test_events_that_kafka_lacks_are_read_from_the_log(gateway: GatewayFixture) -> None:
    let_in(gateway, None)
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe()
        await socket.next_item()
        await gateway.publish(placed(1), next_sequence(gateway))
        await gateway.publish(placed(2), next_sequence(gateway), sent=False)
        await gateway.publish(placed(3), next_sequence(gateway))
        subjects = [(await socket.next_item())["subject"] for _ in range(3)]
        assert subjects == [order_id(1), order_id(2), order_id(3)]


async def test_events_that_are_not_public_are_skipped(gateway: GatewayFixture) -> None:
    let_in(gateway, None)
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
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe()
        await socket.next_item()
        await gateway.publish(internal, next_sequence(gateway), logged=False)
        await gateway.publish(placed(5), next_sequence(gateway))
        assert (await socket.next_item())["subject"] == order_id(5)


async def test_filters_by_type_organisation_and_site(gateway: GatewayFixture) -> None:
    let_in(gateway, None)
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe(
            filter={"types": ["orders.order.moved"], "organisationIds": [OTHER_ORGANISATION], "siteIds": [site_id(2)]}
        )
        await socket.next_item()
        await gateway.publish(placed(1, OTHER_ORGANISATION, 2), next_sequence(gateway))
        await gateway.publish(moved(2, ORGANISATION, 2), next_sequence(gateway))
        await gateway.publish(moved(3, OTHER_ORGANISATION, 1), next_sequence(gateway))
        await gateway.publish(moved(4, OTHER_ORGANISATION, 2), next_sequence(gateway))
        assert (await socket.next_item())["subject"] == order_id(4)


async def test_a_partner_sees_events_of_its_current_organisations_only(gateway: GatewayFixture) -> None:
    let_in(gateway, ORGANISATION)
    version = gateway.services.identity.access[PARTNER].version
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe()
        await socket.next_item()
        await gateway.publish(placed(1, OTHER_ORGANISATION), next_sequence(gateway))
        await gateway.publish(placed(2), next_sequence(gateway))
        assert (await socket.next_item())["subject"] == order_id(2)
        await gateway.publish_identity_event(partner_access(ORGANISATION, OTHER_ORGANISATION, version=version + 1))
        await gateway.await_access_version(PARTNER, version + 1)
        await gateway.publish(placed(3, OTHER_ORGANISATION), next_sequence(gateway))
        assert (await socket.next_item())["subject"] == order_id(3)
        await gateway.publish_identity_event(partner_access(version=version + 2))
        await gateway.await_access_version(PARTNER, version + 2)
        await gateway.publish(placed(4, OTHER_ORGANISATION), next_sequence(gateway))
        await gateway.publish(placed(5), next_sequence(gateway))
        with pytest.raises(TimeoutError):
            await socket.next_item(timeout_s=0.5)
    let_in(gateway, ORGANISATION)
    gateway.services.identity.access[PARTNER] = partner_access(ORGANISATION, version=version + 3)


async def test_an_empty_list_of_organisations_is_none(gateway: GatewayFixture) -> None:
    let_in(gateway)
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe(after="START")
        await socket.next_item()
        await gateway.publish(placed(1), next_sequence(gateway))
        with pytest.raises(TimeoutError):
            await socket.next_item(timeout_s=0.5)


@pytest.mark.parametrize("scope", ["orders:read", ""])
async def test_a_partner_without_the_scope_is_refused(gateway: GatewayFixture, scope: str) -> None:
    let_in(gateway, ORGANISATION)
    async with gateway.socket(gateway.partner(scope=scope), **{"Accept-Language": "fi"}) as socket:
        await socket.subscribe()
        (error,) = await socket.next_errors()
        assert error["extensions"] == {"code": "FORBIDDEN"}
        assert error["message"] == "Sinulla ei ole oikeutta tähän toimintoon."


async def test_a_member_sees_events_of_its_sites_only(gateway: GatewayFixture) -> None:
    gateway.services.identity.access[USER] = member_access(sites=[site_id(number) for number in range(1, 13)])
    async with gateway.socket(gateway.user()) as socket:
        await socket.subscribe()
        await socket.next_item()
        await gateway.publish(placed(1, site=13), next_sequence(gateway))
        await gateway.publish(placed(2, OTHER_ORGANISATION, 1), next_sequence(gateway))
        await gateway.publish(placed(3, site=12), next_sequence(gateway))
        assert (await socket.next_item())["subject"] == order_id(3)


async def test_an_anonymous_subscriber_gets_an_error(gateway: GatewayFixture) -> None:
    async with gateway.socket(None) as socket:
        await socket.subscribe()
        assert (await socket.next_errors())[0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_member_who_is_removed_gets_no_more(gateway: GatewayFixture) -> None:
    gateway.services.identity.access[USER] = member_access(version=10)
    async with gateway.socket(gateway.user()) as socket:
        await socket.subscribe()
        await socket.next_item()
        narrowed = member_access(sites=[site_id(2)], version=11)
        await gateway.publish_identity_event(narrowed)
        await gateway.await_access_version(USER, 11)
        await gateway.publish(placed(1, site=1), next_sequence(gateway))
        await gateway.publish(placed(2, site=2), next_sequence(gateway))
        assert (await socket.next_item())["subject"] == order_id(2)
        await gateway.publish_identity_event(member_access(version=12, active=False))
        assert await socket.close_code() == 4403
    gateway.services.identity.access[USER] = member_access(version=13)
    await gateway.publish_identity_event(member_access(version=13))
    await gateway.await_access_version(USER, 13)


async def test_a_cursor_of_another_generation_has_expired(gateway: GatewayFixture) -> None:
    let_in(gateway, None)
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe(after=str(Cursor(uuid.uuid4(), 3)))
        item = await socket.next_item()
        start = str(Cursor(gateway.services.orders.generation, 0))
        assert item == {"__typename": "CursorExpired", "code": "CURSOR_EXPIRED", "start": start}
        assert (await socket.next_message())["type"] == "complete"


async def test_a_revoked_partners_socket_is_closed(gateway: GatewayFixture) -> None:
    let_in(gateway, None)
    version = gateway.services.identity.access[PARTNER].version
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe()
        await socket.next_item()
        await gateway.publish_identity_event(partner_access(version=version + 1, active=False))
        assert await socket.close_code() == 4403
    assert (await gateway.execute("{ events { __typename } }", gateway.partner()))["status"] == 401
    gateway.services.identity.access[PARTNER] = partner_access(None, version=version + 2)
    await gateway.publish_identity_event(partner_access(None, version=version + 2))
    await gateway.await_access_version(PARTNER, version + 2)
    assert (await gateway.execute("{ events { __typename } }", gateway.partner()))["status"] == 200


async def test_a_revoked_scope_ends_an_idle_subscription(gateway: GatewayFixture) -> None:
    let_in(gateway, None)
    version = gateway.services.identity.access[PARTNER].version
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe()
        await socket.next_item()
        await gateway.publish_identity_event(
            msgspec.structs.replace(partner_access(None, version=version + 1), scopes=["orders:read"])
        )
        assert (await socket.next_errors())[0]["extensions"]["code"] == "FORBIDDEN"
    await gateway.publish_identity_event(partner_access(None, version=version + 2))
    await gateway.await_access_version(PARTNER, version + 2)
    gateway.services.identity.access[PARTNER] = partner_access(None, version=version + 2)


async def test_a_session_that_ends_ends_its_sockets_and_its_tokens(gateway: GatewayFixture) -> None:
    session, other = write_id("session", new_uuid()), write_id("session", new_uuid())
    async with (
        gateway.socket(gateway.user(session=session)) as ending,
        gateway.socket(gateway.user(session=other)) as staying,
    ):
        await gateway.publish_identity_event(SessionEnded(session_id=session, subject_id="user_x"))
        assert await ending.close_code() == 4403
        gateway.services.identity.access[USER] = member_access()
        await staying.subscribe()
        assert (await staying.next_item())["__typename"] == "Checkpoint"
    assert (await gateway.execute("{ me { id } }", gateway.user(session=session)))["status"] == 401
    assert (await gateway.execute("{ me { id } }", gateway.user(session=other)))["status"] == 200


async def test_a_token_that_expires_closes_its_socket(gateway: GatewayFixture) -> None:
    async with gateway.socket(gateway.staff(valid_for=dt.timedelta(seconds=2))) as socket:
        assert await socket.close_code() == 4403


async def test_a_restored_log_expires_subscribers_cursors(gateway: GatewayFixture) -> None:
    let_in(gateway, None)
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe()
        await socket.next_item()
        gateway.services.orders.generation = uuid.uuid4()
        gateway.services.orders.log.clear()
        gateway.services.orders.last += 100
        await gateway.publish(placed(1), next_sequence(gateway))
        assert (await socket.next_item())["__typename"] == "CursorExpired"
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe()
        await socket.next_item()
        await gateway.publish(placed(2), next_sequence(gateway))
        assert (await socket.next_item())["subject"] == order_id(2)
        await gateway.publish(placed(3), next_sequence(gateway), sent=False)
        await gateway.publish(placed(4), next_sequence(gateway))
        assert [(await socket.next_item())["subject"] for _ in range(2)] == [order_id(3), order_id(4)]


async def test_queries_run_over_the_socket_too(gateway: GatewayFixture) -> None:
    async with gateway.socket(gateway.user()) as socket:
        await socket.connection.send_json({"id": "q", "type": "subscribe", "payload": {"query": "{ me { username } }"}})
        assert (await socket.next_message())["payload"] == {"data": {"me": {"username": "maija"}}}


async def test_a_socket_without_connection_init_is_closed(
    gateway: GatewayFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.endpoint.sockets, "init_timeout_s", 0.05)
    async with gateway.session.ws_connect(f"{gateway.url}/graphql", protocols=[PROTOCOL]) as connection:
        await connection.receive(timeout=60)
        assert connection.close_code == 4408


async def test_a_page_of_another_origin_opens_no_socket(gateway: GatewayFixture) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await gateway.session.ws_connect(f"{gateway.url}/graphql", protocols=[PROTOCOL], origin="https://evil.example")


async def test_the_protocols_close_codes(gateway: GatewayFixture) -> None:
    async def code_after(*messages: object, protocol: str = PROTOCOL) -> int | None:
        async with gateway.session.ws_connect(f"{gateway.url}/graphql", protocols=[protocol]) as connection:
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
