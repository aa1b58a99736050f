"""The port of the links by which people switch a kind of messages off."""

from typing import Protocol

from services.contracts.support.messages import MessageKind


class UnsubscribeLinks(Protocol):
    """Links that are signed: nobody can make one for another person."""

    def link(self, chooser: str, kind: MessageKind) -> str | None:
        """Return the link; None for a kind that can't be switched off, and if the gateway's address is not known."""
        ...

    def read(self, token: str) -> tuple[str, MessageKind] | None:
        """Return the chooser and the kind of a link's token; None if it is none, or altered."""
        ...
