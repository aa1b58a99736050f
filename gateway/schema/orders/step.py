"""Field of Step: the one who made the change."""

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field, load_many
from services.contracts.identity.actors import Actor, SystemActor
from services.contracts.orders.orders import SYSTEM, Step


@batch_field(needs=["by"])
async def actor(steps: list[Step], info: Info) -> list[Actor | None]:
    """The one who made the change; null if they are not known any more."""
    ids = [step.by for step in steps if step.by != SYSTEM]
    actors = dict(zip(ids, await load_many(ids, info.context.clients.identity.actors), strict=True))
    return [SystemActor(name=None) if step.by == SYSTEM else actors[step.by] for step in steps]


extend_type(Step, actor, hidden=["by"])
