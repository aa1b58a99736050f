"""A service that gives answers by heart, and remembers what it was asked."""

from services.chassis.http.client.origin import Origin
from services.chassis.http.client.request import FieldLines
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.signature import Signature


class CannedService(ServiceChannel):
    """``answers``: by operation, the body of the answer (with its status, where that is not 200)."""

    def __init__(self, name: str, **answers: bytes | tuple[int, bytes]) -> None:
        super().__init__(name, Origin("http://127.0.0.1:9"))
        self.answers = answers
        self.asked: list[tuple[str, bytes, bytes]] = []

    async def call(self, operation: Signature, arguments: bytes, fields: FieldLines) -> tuple[int, bytes]:
        self.asked.append((operation.name, arguments, fields))
        answer = self.answers[operation.name]
        return (200, answer) if isinstance(answer, bytes) else answer
