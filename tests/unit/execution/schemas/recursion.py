"""Schema of a recursive type."""

from typing import Annotated, Any

import strawberry

from gateway.execution.documents import DocumentCacheExtension
from gateway.execution.planning.batch_resolver import SelectedFields, batch
from gateway.execution.strawberry.schema import PlanningSchema

LaterThing = Annotated["Thing", strawberry.lazy("tests.unit.execution.schemas.recursion")]


async def _next(parents: list[Any], info: strawberry.Info, fields: SelectedFields) -> list["Thing"]:
    return [Thing(name="+".join(fields)) for _ in parents]


@strawberry.type
class Thing:
    """A type with a batch of itself, and with arguments."""

    name: str
    next = batch(_next, graphql_type=LaterThing)

    @strawberry.field
    def double(self, number: int = 1) -> int:
        """A field with an argument."""
        return 2 * number


@strawberry.type
class Query:
    @strawberry.field
    def thing(self, info: strawberry.Info) -> Thing:
        """A thing named after the context."""
        return Thing(name=str(info.context))


def schema() -> PlanningSchema:
    """Return a schema with its own engine and document cache."""
    made: PlanningSchema = PlanningSchema(Query, extensions=[lambda: DocumentCacheExtension(made.engine.documents)])
    return made
