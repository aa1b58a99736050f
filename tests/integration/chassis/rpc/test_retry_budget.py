"""Retries after a lost connection: reads, and writes with an idempotency key."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
import pytest
from prometheus_client import REGISTRY

from services.chassis.http.client.origin import Origin
from services.chassis.rpc.channel import CallFailed, ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.rpc.retry_budget import CALLS_PER_RETRY, MAX_SAVED_RETRIES
from services.chassis.rpc.signature import signatures
from services.chassis.runtime import deadline
from services.contracts.identity.operations import Identity
from services.contracts.imports import Importing
from services.contracts.orders.operations import Orders
from services.contracts.sites import Sites
from services.contracts.stats import Stats
from services.contracts.support.operations import Support
from tests.integration.chassis.http.client.scripted_server import Peer, run_script
from tests.integration.chassis.rpc.counter_service import Count, Counted, CounterContract, client_of, run_counter
from tests.integration.chassis.rpc.echo_service import EchoContract, Said
from tests.support.alpha import Alpha
from tests.support.polling import until

Act = Callable[[Peer], Awaitable[None]]


def proxy_client(url: str, *, to: Literal["the end", "it has acted", "it begins"] = "the end") -> Act:
    """Return an act that forwards a request to a service, and may reset the connection before the response."""
    host, _, port = url.removeprefix("http://").partition(":")

    async def script(peer: Peer) -> None:
        request = await peer.request()
        reader, writer = await asyncio.open_connection(host, int(port))
        server = Peer(reader, writer)
        await server.send(request)
        if to == "it begins":
            peer.reset()
        answered = await server.request()  # its head, and the body that it announces
        writer.close()
        if to == "the end":
            await peer.send(answered)
            await peer.gone()
        elif to == "it has acted":
            peer.reset()

    return script


def retry_count() -> float:
    return REGISTRY.get_sample_value("kierto_call_retries_total", {"service": "counting"}) or 0.0


async def test_a_write_with_a_key_takes_effect_once_and_returns_its_first_result(alpha: Alpha) -> None:
    before = retry_count()
    async with (
        run_counter(alpha) as url,
        run_script(proxy_client(url, to="it has acted"), proxy_client(url)) as broken,
        client_of(broken.url) as service,
    ):
        answer = await client(CounterContract, service, {}).count(Count(idempotency_key="key", number=7))
        assert isinstance(answer, Counted)
        assert broken.opened == 2
    rows = await alpha.pool.fetch("SELECT place, number FROM tally")
    assert [(row["place"], row["number"]) for row in rows] == [(answer.place, 7)]
    assert retry_count() == before + 1


async def test_a_write_without_a_key_is_not_retried(alpha: Alpha) -> None:
    async with (
        run_counter(alpha) as url,
        run_script(proxy_client(url, to="it has acted"), proxy_client(url)) as broken,
        client_of(broken.url) as service,
    ):
        with pytest.raises(CallFailed) as caught:
            await client(CounterContract, service, {}).add(7)
        assert (caught.value.status, caught.value.code) == (503, "UNAVAILABLE")
        assert broken.opened == 1
    assert await alpha.tally() == [7]


async def test_a_write_is_retried_once_only(alpha: Alpha) -> None:
    async with (
        run_counter(alpha) as url,
        run_script(proxy_client(url, to="it has acted")) as broken,
        client_of(broken.url) as service,
    ):
        with pytest.raises(CallFailed):
            await client(CounterContract, service, {}).count(Count(idempotency_key="key", number=7))
        assert broken.opened == 2
    assert await alpha.tally() == [7]


async def test_a_retry_waits_for_the_first_attempts_transaction(alpha: Alpha) -> None:
    async with (
        run_counter(alpha) as url,
        run_script(proxy_client(url, to="it begins"), proxy_client(url)) as broken,
        client_of(broken.url) as service,
    ):
        command = Count(idempotency_key="key", number=7, seconds=0.3)
        answer = await client(CounterContract, service, {}).count(command)
        assert isinstance(answer, Counted)
        assert broken.opened == 2
    assert await alpha.tally() == [7]


def test_the_idempotent_writes_of_every_contract() -> None:
    found = {
        name
        for contract in (Identity, Sites, Orders, Stats, Support, Importing)
        for name, one in signatures(contract).items()
        if one.declared.kind == "write" and one.idempotent
    }
    assert found == {
        *("createPartner", "orderExtraPickup", "sendContactForm", "sendPublicForm", "logContact"),
        *("replyToTicket", "answerTicket", "addTicketNote", "assignTicket", "changeTicketState", "chooseMessages"),
        *("placeTicket", "decideHeldMessages"),
        *("changeEmail", "approveEmailChange", "changeUsername", "changeLanguage", "resendVerification"),
        *("inviteMembers", "resendInvitation", "withdrawInvitation", "changeMember", "endMembership"),
        *("resumeMail", "liftMailSuppression"),
    }
    assert all(one.idempotent for one in signatures(Orders).values() if one.declared.kind == "read")


async def test_many_lost_connections_cause_few_retries() -> None:
    """Two of three connections are lost. A third of the calls succeeds, which earns a few more retries."""
    body = msgspec.json.encode(Said(word="a", to="", trace=None))

    async def at_times(peer: Peer) -> None:
        await peer.request()
        if server.opened % 3 == 0:
            await peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async with run_script(at_times) as server, Origin(server.url) as origin:
        echo, calls = client(EchoContract, ServiceChannel("echo", origin), {}), 300
        done = [await asyncio.gather(echo.say("a"), return_exceptions=True) for _ in range(calls)]
        answered = sum(isinstance(one, Said) for (one,) in done)
        assert answered > calls / 4
        assert server.opened - calls <= MAX_SAVED_RETRIES + answered / CALLS_PER_RETRY
        assert server.opened - calls >= MAX_SAVED_RETRIES


async def test_with_little_time_left_nothing_is_retried() -> None:
    async def breaks_off_late(peer: Peer) -> None:
        await peer.request()
        await until(lambda: asyncio.sleep(0, end - time.monotonic()), lambda left: left < 0.04)

    async with run_script(breaks_off_late) as server, Origin(server.url) as origin:
        with deadline.within(2), pytest.raises(CallFailed):
            end = deadline.expires_at()
            await client(EchoContract, ServiceChannel("echo", origin), {}).say("a")
        assert server.opened == 1
