"""The loop that sends due receipts, one after the other."""

import asyncio

from services.chassis.events.transaction import UnitOfWork
from services.chassis.runtime.pause import pause
from services.chassis.telemetry.logging import logger
from services.support.usecases.ports.recipients import Recipients
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.send_receipt import send_receipt

_log = logger(__name__)

_POLL_INTERVAL_S = 0.1


class ReceiptSender:
    """The loop that sends due receipts. Several may run side by side."""

    def __init__(self, work: UnitOfWork[SupportStore], recipients: Recipients) -> None:
        self._work = work
        self._recipients = recipients

    async def run(self, stop: asyncio.Event) -> None:
        """Send until ``stop`` is set, and finish the present receipt."""
        while not stop.is_set():
            busy = False
            try:
                busy = await send_receipt(self._work, self._recipients)
            except Exception as error:
                # The receipt is due again when its claim ends; an error of one receipt must not stop the others. The
                # error's text may quote the message: it stays out of the log.
                _log.warning("receipt not sent", error=type(error).__name__)
            if not busy:
                await pause(stop, _POLL_INTERVAL_S)
