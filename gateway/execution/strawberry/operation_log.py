"""One line in the log for each operation: its name and how long it took. Never its variables."""

import time
from collections.abc import Iterator

from graphql import OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionContext

from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import log_buffered

_MAX_NAME_LENGTH = 100
"""Characters of a name that are logged."""
_DURATIONS = {
    failed: metrics.REQUEST_SECONDS.labels("graphql", "errors" if failed else "data") for failed in (True, False)
}


class OperationLog(SchemaExtension):
    """Logs an operation when it is done; a subscription when it ends."""

    def on_operation(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        context = self.execution_context
        failed = bool(getattr(context.result, "errors", None))
        log_operation(_operation_name(context), seconds, failed=failed)


def log_operation(name: str, seconds: float, *, failed: bool) -> None:
    """Log and count an operation of a document that has one of this name, or needs none."""
    _DURATIONS[failed].observe(seconds)
    log_buffered("executed", operation=name[:_MAX_NAME_LENGTH], errors=failed, ms=round(seconds * 1000, 2))


def _operation_name(context: ExecutionContext) -> str:
    """The operation's name, if the document has it: what else a client sends as one stays out of the log."""
    definitions = context.graphql_document.definitions if context.graphql_document else ()
    names = {one.name.value for one in definitions if isinstance(one, OperationDefinitionNode) and one.name}
    wanted = context.operation_name or ""
    return wanted if wanted in names else ""
