"""Health of a process: liveness and readiness in public, each check and the metrics for the operator.

The failed checks, and the metrics of every operation and kind of caller, are of use to an attacker: they are served on
a separate port.
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
    """Named checks of a process: it is ready while all of them pass and ``stop`` is not set."""

    def __init__(self, checks: Mapping[str, Check], stop: asyncio.Event) -> None:
        self._checks = checks
        self._stop = stop

    def public_routes(self) -> list[Route]:
        """Return the routes of the public port: liveness and readiness."""

        async def readyz(_: Request) -> Response:
            if all((await self._run_checks()).values()):
                return PlainTextResponse("ready")
            return PlainTextResponse("not ready", 503)

        return [Route("/livez", _livez), Route("/readyz", readyz)]

    def operator_routes(self) -> list[Route]:
        """Return the routes of the operator's port: each check by name, and the metrics."""

        async def readyz(_: Request) -> Response:
            results = await self._run_checks()
            status = 200 if all(results.values()) else 503
            return Response(msgspec.json.encode(results), status, media_type="application/json")

        async def metrics(_: Request) -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        return [Route("/livez", _livez), Route("/readyz", readyz), Route("/metrics", metrics)]

    async def _run_checks(self) -> dict[str, bool]:
        results = {name: await _passes(check) for name, check in self._checks.items()}
        return {**results, "running": not self._stop.is_set()}


async def _livez(_: Request) -> Response:
    return PlainTextResponse("alive")


async def _passes(check: Check) -> bool:
    try:
        return await asyncio.wait_for(check(), _CHECK_TIMEOUT_S)
    except Exception:
        return False  # the reason is in the log of the component that was checked
