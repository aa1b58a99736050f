"""Field of Problem: its message."""

import strawberry

from gateway import messages
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, typed_field
from services.contracts.values import Problem


@typed_field(str)
def message(problem: strawberry.Parent[Problem], info: Info) -> str:
    """A message for the user, in the caller's language."""
    return messages.text(problem.code, info.context.language, problem.params)


extend_type(Problem, message, hidden=["params"])
