"""Receipts that are due, one after the other, each handed to its use case."""

import asyncio

from services.chassis.events.transaction import UnitOfWork
from services.chassis.runtime.pause import pause
from services.chassis.telemetry.logging import logger
from services.support.usecases.ports import Recipients, SupportStore
from services.support.usecases.send_receipt import send_receipt

_log = logger(__name__)

_POLL_INTERVAL_S = 0.1


class ReceiptSender:
    """Sends receipts until it is stopped. Several may run side by side."""

    def __init__(self, work: UnitOfWork[SupportStore], recipients: Recipients) -> None:
        self._work = work
        self._recipients = recipients

    async def run(self, stop: asyncio.Event) -> None:
        """Send until ``stop`` is set; a receipt on its way is finished."""
        while not stop.is_set():
            busy = False
            try:
                busy = await send_receipt(self._work, self._recipients)
            except Exception as error:
                # Whatever it was, the receipt is due again when its time is over, and must not keep others back. The
                # error's text may hold what people wrote: it stays out of the log.
                _log.warning("receipt not sent", error=type(error).__name__)
            if not busy:
                await pause(stop, _POLL_INTERVAL_S)
