"""Broken requests by the thousand: the process stays as large as it was, and well."""

import asyncio
import itertools
from collections.abc import Sequence

from services.chassis.ids import new_uuid, write_id
from tests.gateway.actors.samples import USER
from tests.gateway.broken.corpus import CORPUS, damaged
from tests.gateway.broken.gateway_process import GatewayProcess, gateway_process
from tests.gateway.broken.playing import play, wrong_end
from tests.gateway.broken.sockets import SENT
from tests.gateway.broken.verdict import complaint
from tests.support.servers import Servers

ROUNDS = 60
"""Some 500 requests each, of which a fifth are damaged by chance."""
_EVERY = 10
"""What is large takes longer than all others together: it comes in every tenth round, and sockets with it."""
_SMALL = 20_000
_AT_ONCE = 16
_GROWTH_MB = 12.0
"""From half way on: less than a kilobyte a request. What is remembered of callers and documents is full by then."""


async def _requests(gateway: GatewayProcess, requests: Sequence[bytes]) -> None:
    """Send all, a few at once, each as somebody else: so what is remembered of callers is many, too."""
    left = iter(requests)

    async def send_some() -> None:
        for sent in left:
            name, address = write_id("user", new_uuid()), new_uuid().int & 0xFFFF_FFFF
            somebody = f"\r\nX-Forwarded-For: 2001:db8::{address:x}\r\nAuthorization: Bearer {gateway.token(name)}\r\n"
            told = await complaint(gateway.url, sent.replace(b"\r\n", somebody.encode(), 1))
            assert not told, (told, sent[:300])

    await asyncio.gather(*(send_some() for _ in range(_AT_ONCE)))


async def test_nothing_grows(server_addresses: Servers) -> None:
    everything = [one.sent for one in CORPUS] + list(itertools.islice(damaged(0), 100))
    small = [sent for sent in everything if len(sent) < _SMALL]
    sizes = []
    async with gateway_process(server_addresses) as gateway:
        for number in range(ROUNDS):
            await _requests(gateway, small)
            if number % _EVERY == 0:
                await _requests(gateway, everything)
                for sent in SENT:
                    assert not wrong_end(sent, await play(gateway.url, sent))
                assert await gateway.username(gateway.token(USER)) == "maija"
                sizes.append(gateway.megabytes)
        sizes.append(gateway.megabytes)
    half_way = sizes[len(sizes) // 2 - 1]
    assert sizes[-1] - half_way < _GROWTH_MB, sizes
