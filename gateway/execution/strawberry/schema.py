"""A Strawberry schema whose operations are executed by plans: in all else it is Strawberry's own."""

from typing import Any

import strawberry

from gateway.execution.engine import Engine
from gateway.execution.projection.compiler import PassthroughScalars
from gateway.execution.strawberry.subscription_executor import SubscriptionExecutor


class PlanningSchema(strawberry.Schema):
    """Takes what ``strawberry.Schema`` takes, and ``same_scalars``: see ``Engine``."""

    def __init__(self, *args: Any, same_scalars: PassthroughScalars | None = None, **named: Any) -> None:
        super().__init__(*args, **{"execution_context_class": SubscriptionExecutor, **named})
        self.engine = Engine(self, same_scalars or {})

    def _get_execute_function(self) -> Any:
        return self.engine.execute
