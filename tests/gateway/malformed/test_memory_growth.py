"""Thousands of malformed requests: the process does not grow, and stays healthy."""

import asyncio
import itertools
from collections.abc import Sequence

from services.chassis.ids import new_uuid, write_id
from tests.gateway.malformed.corpus import CORPUS, mutated_requests
from tests.gateway.malformed.gateway_process import GatewayProcess, run_gateway_process
from tests.gateway.malformed.protocol_client import check_outcome, play_messages
from tests.gateway.malformed.response_check import check_bytes
from tests.gateway.malformed.sockets import MESSAGES
from tests.gateway.stubs.samples import USER
from tests.support.servers import Servers

ROUNDS = 60
"""Rounds of some 500 requests, of which a fifth are random mutations."""
_STEP = 10
"""Large requests take longer than all others together: they and the sockets are in every tenth round only."""
_SMALL = 20_000
_CONCURRENCY = 16
_MAX_GROWTH_MB = 12.0
"""In the second half: less than a kilobyte a request. The caches of callers and documents are full by then."""


async def _send_all(gateway: GatewayProcess, requests: Sequence[bytes]) -> None:
    """Send all requests, a few at a time, each of another caller, so that the cache of callers is full, too."""
    left = iter(requests)

    async def send_some() -> None:
        for sent in left:
            name, address = write_id("user", new_uuid()), new_uuid().int & 0xFFFF_FFFF
            caller_fields = (
                f"\r\nX-Forwarded-For: 2001:db8::{address:x}\r\nAuthorization: Bearer {gateway.token(name)}\r\n"
            )
            problem = await check_bytes(gateway.url, sent.replace(b"\r\n", caller_fields.encode(), 1))
            assert not problem, (problem, sent[:300])

    await asyncio.gather(*(send_some() for _ in range(_CONCURRENCY)))


async def test_nothing_grows(server_addresses: Servers) -> None:
    everything = [one.raw for one in CORPUS] + list(itertools.islice(mutated_requests(0), 100))
    small = [sent for sent in everything if len(sent) < _SMALL]
    sizes = []
    async with run_gateway_process(server_addresses) as gateway:
        for number in range(ROUNDS):
            await _send_all(gateway, small)
            if number % _STEP == 0:
                await _send_all(gateway, everything)
                for sent in MESSAGES:
                    assert not check_outcome(sent, await play_messages(gateway.url, sent))
                assert await gateway.username(gateway.token(USER)) == "maija"
                sizes.append(gateway.megabytes)
        sizes.append(gateway.megabytes)
    half_way = sizes[len(sizes) // 2 - 1]
    assert sizes[-1] - half_way < _MAX_GROWTH_MB, sizes
