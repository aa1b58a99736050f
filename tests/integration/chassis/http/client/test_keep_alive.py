"""Reuse of connections, and retries of idempotent requests alone."""

import asyncio

import pytest

from services.chassis.http.client.errors import ConnectionLost, MalformedResponse, RequestTimeout
from services.chassis.http.client.origin import Origin
from tests.integration.chassis.http.client.scripted_server import (
    OK,
    Act,
    Peer,
    echo_bodies,
    run_script,
    send_request,
    start_request,
)


async def closes(peer: Peer) -> None:
    await peer.answer()


async def ends_its_half(peer: Peer) -> None:
    await peer.answer()
    peer.end()
    await peer.gone()


async def resets(peer: Peer) -> None:
    await peer.answer()
    peer.reset()


@pytest.mark.parametrize("act", [closes, ends_its_half, resets])
async def test_a_connection_that_ended_while_idle_is_not_used(act: Act) -> None:
    async with run_script(act, echo_bodies) as server, Origin(server.url) as origin:
        await send_request(origin)
        await server.playing[0]
        await until_closed(origin)
        assert (await send_request(origin, b"mine")).body == b"mine"
        assert server.opened == 2


async def until_closed(origin: Origin) -> None:
    async with asyncio.timeout(60):
        while origin._pool.open:
            await asyncio.sleep(0)


async def ended_when_used_again(peer: Peer) -> None:
    await peer.answer()
    await peer.request()


async def ended_in_its_answer(peer: Peer) -> None:
    await peer.answer()
    await peer.answer(OK[:-1])


async def reset_when_used_again(peer: Peer) -> None:
    await peer.answer()
    await peer.request()
    peer.reset()


RACES = [ended_when_used_again, ended_in_its_answer, reset_when_used_again]


@pytest.mark.parametrize("act", RACES)
async def test_a_repeatable_request_is_retried_on_a_new_connection(act: Act) -> None:
    async with run_script(act, echo_bodies) as server, Origin(server.url) as origin:
        await send_request(origin)
        assert (await send_request(origin, b"again", repeatable=True)).body == b"again"
        assert server.opened == 2


@pytest.mark.parametrize("act", RACES)
async def test_any_other_request_is_not_retried_because_it_may_have_taken_effect(act: Act) -> None:
    async with run_script(act, echo_bodies) as server, Origin(server.url) as origin:
        await send_request(origin)
        with pytest.raises(ConnectionLost) as caught:
            await send_request(origin, b"once")
        assert caught.value.sent
        assert server.opened == 1


async def test_a_request_is_retried_once_only() -> None:
    async def takes(peer: Peer) -> None:
        await peer.request()

    async with run_script(takes) as server, Origin(server.url) as origin:
        with pytest.raises(ConnectionLost):
            await send_request(origin, repeatable=True)
        assert server.opened == 2


async def test_a_lost_connection_closes_the_idle_ones() -> None:
    both = asyncio.Event()
    first: list[Peer] = []

    async def dies(peer: Peer) -> None:
        first.append(peer)
        await peer.request()
        if len(first) == 2:
            both.set()
        await both.wait()
        await peer.send(OK)
        if (await peer.reader.read(1)) == b"":
            return
        peer.reset()

    async with run_script(dies, dies, echo_bodies) as server, Origin(server.url) as origin:
        await asyncio.gather(send_request(origin), send_request(origin))
        assert (await send_request(origin, b"again", repeatable=True)).body == b"again"
        assert server.opened == 3
        # The other one was idle and good; it was closed all the same.
        await asyncio.gather(*server.playing[:2])


async def test_a_refused_connection() -> None:
    async with run_script(echo_bodies) as server:
        url = server.url
    async with Origin(url) as origin:
        with pytest.raises(ConnectionLost) as caught:
            await send_request(origin, repeatable=True)
        assert not caught.value.sent
        with pytest.raises(ConnectionLost):
            await send_request(origin)


async def test_an_unresolvable_host_name() -> None:
    async with Origin("http://nobody.invalid:1") as origin:
        with pytest.raises(ConnectionLost) as caught:
            await send_request(origin)
        assert not caught.value.sent


async def test_an_idle_connection_is_closed_after_its_timeout() -> None:
    async def once(peer: Peer) -> None:
        await peer.answer()
        await peer.gone()

    async with run_script(once) as server, Origin(server.url, idle_s=0.05) as origin:
        await send_request(origin)
        await server.playing[0]  # closed while the origin is open
        assert not origin._pool.idle


async def test_an_old_timer_does_not_end_a_later_request() -> None:
    """The first request's timer fires during the third: a connection has one timer, which is rarely set again."""
    rung = asyncio.Event()

    async def slowly(peer: Peer) -> None:
        await peer.answer()
        await peer.request()
        await rung.wait()
        await peer.send(OK)
        await peer.gone()

    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with run_script(slowly, silent) as server, Origin(server.url) as origin:
        await send_request(origin, timeout_s=0.1)
        long = start_request(origin, timeout_s=10)
        await asyncio.sleep(0)
        with pytest.raises(RequestTimeout):
            await send_request(origin, timeout_s=0.2)
        rung.set()
        assert (await long).body == b"ok"
        assert server.opened == 2


async def test_a_shorter_timeout_fires_before_a_longer_timer() -> None:
    async def once(peer: Peer) -> None:
        await peer.answer()
        await peer.request()
        await peer.gone()

    async with run_script(once) as server, Origin(server.url) as origin:
        await send_request(origin, timeout_s=60)
        with pytest.raises(RequestTimeout):
            await send_request(origin, timeout_s=0.05)


async def test_the_most_recently_used_connection_is_used_next() -> None:
    names: list[int] = []

    async def named(peer: Peer) -> None:
        number = server.opened
        while peer.reader.at_eof() is False:
            try:
                await peer.request()
            except asyncio.IncompleteReadError:
                return
            names.append(number)
            await peer.send(OK)

    async with run_script(named) as server, Origin(server.url) as origin:
        await asyncio.gather(send_request(origin), send_request(origin), send_request(origin))
        del names[:]
        for _ in range(5):
            await send_request(origin)
        assert len(names) == 5
        assert len(set(names)) == 1
        assert server.opened == 3


async def test_bytes_behind_a_response_are_never_the_next_response() -> None:
    more = asyncio.Event()

    async def lies(peer: Peer) -> None:
        await peer.answer()
        await more.wait()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        await peer.gone()

    async with run_script(lies, echo_bodies) as server, Origin(server.url) as origin:
        await send_request(origin)
        more.set()
        await server.playing[0]
        await until_closed(origin)
        assert (await send_request(origin, b"clean")).body == b"clean"


async def test_bytes_behind_a_response_in_one_segment_make_it_malformed() -> None:
    async def lies(peer: Peer) -> None:
        await peer.answer(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        await peer.gone()

    async with run_script(lies, echo_bodies) as server, Origin(server.url) as origin:
        with pytest.raises(MalformedResponse):
            await send_request(origin)
        assert (await send_request(origin, b"clean")).body == b"clean"
