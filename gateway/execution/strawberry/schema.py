"""Strawberry schema whose operations are executed by plans."""

from typing import Any

import strawberry

from gateway.execution.engine import Engine
from gateway.execution.projection.compiler import PassthroughScalars
from gateway.execution.strawberry.subscription_executor import SubscriptionExecutor


class PlanningSchema(strawberry.Schema):
    """A ``strawberry.Schema`` with an engine. ``passthrough_scalars`` are the ``scalars`` of ``Engine``."""

    def __init__(self, *args: Any, passthrough_scalars: PassthroughScalars | None = None, **named: Any) -> None:
        super().__init__(*args, **{"execution_context_class": SubscriptionExecutor, **named})
        self.engine = Engine(self, passthrough_scalars or {})

    def _get_execute_function(self) -> Any:
        return self.engine.execute
