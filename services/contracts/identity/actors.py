"""Those who do something, as readers may see them."""

from typing import Annotated

from services.contracts.values import (
    IdOf,
    Outcome,
    TextLimit,
)

ActorId = Annotated[str, TextLimit(100), IdOf("actor")]
"""The id of a user or a partner."""


class Actor(Outcome, frozen=True, kw_only=True):
    """The one who did something."""

    name: str | None
    """The name, if the reader may see it; None otherwise."""


class UserActor(Actor, frozen=True, kw_only=True):
    """A customer's user. Members see the names of the members of their own organisations."""


class StaffActor(Actor, frozen=True, kw_only=True):
    """An employee of the operator. Only staff see the name."""


class PartnerActor(Actor, frozen=True, kw_only=True):
    """A partner's system. Members see the names of the partners that serve their organisations."""


class SystemActor(Actor, frozen=True, kw_only=True):
    """Kierto itself: the change followed from a rule. It has no name."""
