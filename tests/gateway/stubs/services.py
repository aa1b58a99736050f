"""The stubs of the five services, behind the routes of their contracts, which record the calls."""

import base64
from typing import Any, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from services.chassis.auth.tokens import Claims
from services.chassis.problems import MalformedInput, Unauthenticated, problem_response
from services.chassis.rpc.server import routes
from services.contracts.identity.operations import Identity
from services.contracts.orders.operations import Orders
from services.contracts.permission import SubjectKind
from services.contracts.sites import Sites
from services.contracts.stats import Stats
from services.contracts.support.operations import Support
from tests.gateway.stubs.identity import IdentityStub
from tests.gateway.stubs.orders import OrdersStub
from tests.gateway.stubs.sites import SitesStub
from tests.gateway.stubs.stats import StatsStub
from tests.gateway.stubs.support import SupportStub
from tests.support.permit import PermitAll


class RecordedCall(msgspec.Struct):
    """A call that a stub received."""

    service: str
    operation: str
    arguments: dict[str, Any]
    caller: Claims | None
    headers: dict[str, str]


class StubServices:
    """The stubs of the five services."""

    def __init__(self) -> None:
        self.identity = IdentityStub()
        self.sites = SitesStub()
        self.orders = OrdersStub()
        self.stats = StatsStub()
        self.support = SupportStub()
        self.calls: list[RecordedCall] = []
        self.uploads: list[tuple[str, str, int, int]] = []
        self.unavailable: set[str] = set()
        self.receiving = False

    def calls_to(self, operation: str) -> list[RecordedCall]:
        return [one for one in self.calls if one.operation == operation]

    def routes(self) -> list[BaseRoute]:
        """Return the routes of each service, below its name."""
        contracts: list[tuple[type, Any]] = [
            (Identity, self.identity),
            (Sites, self.sites),
            (Orders, self.orders),
            (Stats, self.stats),
            (Support, self.support),
        ]
        return [
            Mount(
                f"/{actor.service}",
                routes=[*self._operations(contract, actor), self._upload(actor.service), self._download(actor.service)],
            )
            for contract, actor in contracts
        ]

    def _operations(self, contract: type, actor: Any) -> list[Route]:
        async def authenticate(request: Request) -> tuple[Request, Claims | None]:
            if not request.headers.get("authorization"):
                raise Unauthenticated
            return request, _claims(request)

        async def anonymous(request: Request) -> tuple[Request, Claims | None]:
            return request, None

        return routes(
            contract,
            lambda caller: cast(Any, _CallRecorder(self, actor, *caller)),
            authenticate,
            anonymous,
            PermitAll(),
        )

    def _upload(self, service: str) -> Route:
        async def receive(request: Request) -> Response:
            if _claims(request).kind != SubjectKind.STAFF.value:
                return problem_response(403, "Not allowed", "FORBIDDEN")
            purpose = request.path_params["purpose"]
            if purpose == "import-nothing":
                return problem_response(404, "Unknown purpose", "NOT_FOUND", path=["purpose"])
            chunks: list[int] = []
            try:
                async for chunk in request.stream():
                    self.receiving = True
                    chunks += [len(chunk)] if chunk else []
            finally:
                self.receiving = False
            self.uploads.append((service, request.query_params["name"], sum(chunks), len(chunks)))
            if purpose == "import-rules":
                params = {"reason": "UNKNOWN_COLUMNS", "columns": "colour"}
                return problem_response(422, "Not such a file", "WRONG_FILE", params=params)
            return Response(b'{"id":"import_sites_1"}', 201, media_type="application/json")

        return Route("/files/{purpose}", receive, methods=["POST"])

    def _download(self, service: str) -> Route:
        async def show(request: Request) -> Response:
            if request.query_params["token"] != f"of {service}":
                return problem_response(403, "No valid link", "INVALID_LINK")
            if request.path_params["id"] != "file_1":
                return problem_response(404, "No such file", "NOT_FOUND", path=["id"])
            assert "authorization" not in request.headers
            headers = {"Content-Disposition": 'attachment; filename="a.csv"', "Cache-Control": "private, no-store"}
            return Response(f"line\r\n3,{service}\r\n", 200, headers, "text/csv")

        return Route("/files/{id}", show, methods=["GET"])


class _CallRecorder:
    def __init__(self, services: StubServices, actor: Any, request: Request, claims: Claims | None) -> None:
        self._services, self._actor, self._request, self._claims = services, actor, request, claims

    def __getattr__(self, operation: str) -> Any:
        async def call(**arguments: Any) -> Any:
            # The gateway fetches the keys and its own token for itself, whenever it needs them.
            if operation != "public_keys" and arguments.get("client_id") != "service:gateway":
                self._services.calls.append(
                    RecordedCall(self._actor.service, operation, arguments, self._claims, dict(self._request.headers))
                )
            if self._actor.service in self._services.unavailable:
                raise RuntimeError("out of order")
            try:
                return await getattr(self._actor, operation)(**arguments)
            except MalformedInput:
                raise
            except ValueError:
                raise MalformedInput(expected="what an actor knows by heart") from None

        return call


def _claims(request: Request) -> Claims:
    payload = request.headers["authorization"].split(".")[1]
    return msgspec.json.decode(_unpad(payload), type=Claims)


def _unpad(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
