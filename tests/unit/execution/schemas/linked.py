"""A schema of things that lead to things."""

from typing import Annotated, Any

import strawberry

from gateway.execution.documents import DocumentCacheExtension
from gateway.execution.planning.batch_resolver import SelectedFields, batch
from gateway.execution.strawberry.schema import PlanningSchema

LaterThing = Annotated["Thing", strawberry.lazy("tests.unit.execution.schemas.linked")]


async def _next(parents: list[Any], info: strawberry.Info, fields: SelectedFields) -> list["Thing"]:
    return [Thing(name="+".join(fields)) for _ in parents]


@strawberry.type
class Thing:
    """Leads to others, and has fields with arguments."""

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
        """The caller's."""
        return Thing(name=str(info.context))


def schema() -> PlanningSchema:
    """One with its own engine, which knows valid texts."""
    made: PlanningSchema = PlanningSchema(Query, extensions=[lambda: DocumentCacheExtension(made.engine.documents)])
    return made
