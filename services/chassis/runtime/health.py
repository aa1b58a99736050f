"""How a process is: for whoever sends it work a yes or a no, for its operator why, and its figures.

What is not ready, and the figures of every operation and caller's kind, are of use to an attacker: they are shown on a
port of their own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

Check = Callable[[], Awaitable[bool]]

_CHECK_TIMEOUT_S = 2


class Health:
    """The checks of a process by name, all of which must hold for it to be ready, until ``stop`` is set."""

    def __init__(self, checks: Mapping[str, Check], stop: asyncio.Event) -> None:
        self._checks = checks
        self._stop = stop

    def public_routes(self) -> list[Route]:
        """Return the routes for the port that others call: whether it lives, whether it is ready."""

        async def readyz(_: Request) -> Response:
            if all((await self._run_checks()).values()):
                return PlainTextResponse("ready")
            return PlainTextResponse("not ready", 503)

        return [Route("/livez", _livez), Route("/readyz", readyz)]

    def operator_routes(self) -> list[Route]:
        """Return the routes for the operator's port: each check by name, and the metrics."""

        async def readyz(_: Request) -> Response:
            answers = await self._run_checks()
            status = 200 if all(answers.values()) else 503
            return Response(msgspec.json.encode(answers), status, media_type="application/json")

        async def metrics(_: Request) -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        return [Route("/livez", _livez), Route("/readyz", readyz), Route("/metrics", metrics)]

    async def _run_checks(self) -> dict[str, bool]:
        answers = {name: await _passes(check) for name, check in self._checks.items()}
        return {**answers, "running": not self._stop.is_set()}


async def _livez(_: Request) -> Response:
    return PlainTextResponse("alive")


async def _passes(check: Check) -> bool:
    try:
        return await asyncio.wait_for(check(), _CHECK_TIMEOUT_S)
    except Exception:
        # Whatever keeps a check from an answer, the answer is no; the log of what it checks says why.
        return False
