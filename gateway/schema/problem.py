"""Fields of refusals and conflicts: the message of a problem, and the thing of a conflict as it is now."""

from typing import Any

import strawberry

from gateway import messages
from gateway.schema.contract_types import Node, extend_type
from gateway.schema.fields import SERVICE_CALL_WEIGHT, Info, selected_field_names, typed_field
from gateway.schema.nodes import load_nodes
from services.contracts.values import Conflict, Error, Problem


@typed_field(str)
def message(problem: strawberry.Parent[Problem], info: Info) -> str:
    """A whole sentence for the user, in the caller's language."""
    return messages.text(problem.code, info.context.language, problem.params)


@typed_field(Node | None, weight=SERVICE_CALL_WEIGHT)
async def current(conflict: strawberry.Parent[Conflict], info: Info) -> Any:
    """The thing as it is now; null if the caller may not see it."""
    (found,) = await load_nodes(info.context, [conflict.thing_id], selected_field_names(info))
    return found


extend_type(Error, message)
extend_type(Conflict, current, hidden=["thing_id"])
