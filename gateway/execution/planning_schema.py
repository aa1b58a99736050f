"""A Strawberry schema whose operations are executed by plans: in all else it is Strawberry's own."""

from typing import Any

import strawberry

from gateway.execution.engine import Engine
from gateway.execution.pushed import Scalars
from gateway.execution.shared import StreamExecutor


class PlanningSchema(strawberry.Schema):
    """Takes what ``strawberry.Schema`` takes, and ``same_scalars``: see ``Engine``."""

    def __init__(self, *args: Any, same_scalars: Scalars | None = None, **named: Any) -> None:
        super().__init__(*args, **{"execution_context_class": StreamExecutor, **named})
        self.engine = Engine(self, same_scalars or {})

    def _get_execute_function(self) -> Any:
        return self.engine.execute
