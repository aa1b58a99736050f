"""What every use case may do with the transaction that it is handed, whatever its service: the ports begin with it."""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from services.chassis.mail import MailMessage
from services.chassis.runtime.clock import Clock
from services.contracts.declare import Event
from services.contracts.values import Outcome, Refusal, Value

A = TypeVar("A", bound=Outcome)


class TransactionPort(Protocol):
    """A change under way. ``now`` and ``today`` stand still for its length. ``Transaction`` implements it."""

    clock: Clock
    now: dt.datetime
    today: dt.date

    def emit(self, event: Event) -> None:
        """Announce what was changed, after the thing that changed was locked. The only way to publish."""
        ...

    async def send_mail(self, letter: MailMessage) -> None:
        """Have a mail sent once this transaction is committed."""
        ...

    async def execute_once(
        self,
        *,
        organisation: str,
        caller: str,
        operation: str,
        command: Value,
        answer: type[A],
        do: Callable[[], Awaitable[A | Refusal]],
        remember: Callable[[A], A] = ...,
    ) -> A | Refusal:
        """Do a command with an idempotency key, or give its first answer again (see ``chassis.idempotency``)."""
        ...
