"""Log of operations: a line for each, with its name and its duration, and never with its variables."""

import time
from collections.abc import Iterator

from graphql import OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionContext

from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import log_buffered

_MAX_NAME_LENGTH = 100
"""Characters of a logged name."""
_DURATIONS = {
    failed: metrics.REQUEST_SECONDS.labels("graphql", "errors" if failed else "data") for failed in (True, False)
}


class OperationLog(SchemaExtension):
    """Logs a query or a mutation when it is done, and a subscription when it ends."""

    def on_operation(self) -> Iterator[None]:
        started_at = time.perf_counter()
        yield
        seconds = time.perf_counter() - started_at
        context = self.execution_context
        failed = bool(getattr(context.result, "errors", None))
        log_operation(_operation_name(context), seconds, failed=failed)


def log_operation(name: str, seconds: float, *, failed: bool) -> None:
    """Log and count an operation; its name is one of the document's, or empty."""
    _DURATIONS[failed].observe(seconds)
    log_buffered("executed", operation=name[:_MAX_NAME_LENGTH], errors=failed, ms=round(seconds * 1000, 2))


def _operation_name(context: ExecutionContext) -> str:
    """Return the requested operation name, if the document has it: other texts of clients stay out of the log."""
    definitions = context.graphql_document.definitions if context.graphql_document else ()
    names = {one.name.value for one in definitions if isinstance(one, OperationDefinitionNode) and one.name}
    requested = context.operation_name or ""
    return requested if requested in names else ""
