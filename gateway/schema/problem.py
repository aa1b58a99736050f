"""A problem speaks the caller's language."""

import strawberry

from gateway import messages
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, typed_field
from services.contracts.values import Problem


@typed_field(str)
def message(problem: strawberry.Parent[Problem], info: Info) -> str:
    """What to tell the person who asked, in their language."""
    return messages.text(problem.code, info.context.language, problem.params)


extend_type(Problem, message, hidden=["params"])
