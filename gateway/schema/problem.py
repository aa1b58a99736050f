"""A problem speaks the caller's language."""

import strawberry

from gateway import messages
from gateway.schema.contract_types import join
from gateway.schema.declare import Info, plain_field
from services.contracts.values import Problem


@plain_field(str)
def message(problem: strawberry.Parent[Problem], info: Info) -> str:
    """What to tell the person who asked, in their language."""
    return messages.text(problem.code, info.context.language, problem.params)


join(Problem, message, hidden=["params"])
