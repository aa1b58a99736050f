"""A service with canned responses, which records its requests."""

from services.chassis.http.client.origin import Origin
from services.chassis.http.client.request import FieldLines
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.signature import Signature


class CannedService(ServiceChannel):
    """``responses``: by operation, the body of the response (with its status, if that is not 200)."""

    def __init__(self, name: str, **responses: bytes | tuple[int, bytes]) -> None:
        super().__init__(name, Origin("http://127.0.0.1:9"))
        self.responses = responses
        self.requests: list[tuple[str, bytes, bytes]] = []

    async def call(
        self, operation: Signature, arguments: bytes, fields: FieldLines, selection: bytes = b""
    ) -> tuple[int, bytes]:
        self.requests.append((operation.name, arguments, fields))
        response = self.responses[operation.name]
        return (200, response) if isinstance(response, bytes) else response
