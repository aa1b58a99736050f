"""The port of the addresses to which mails come back (VERP)."""

import uuid
from typing import Protocol


class BounceAddresses(Protocol):
    """Addresses that name a mail and are signed: nobody else can make one."""

    def address(self, mail_id: uuid.UUID) -> str:
        """Return the address for a mail; empty if mails come back to their sender."""
        ...

    def read(self, address: str) -> uuid.UUID | None:
        """Return the id of an address's mail; None if it is none, or altered."""
        ...
