"""The port of identity's contacts."""

from typing import Protocol

from services.contracts.identity.people import Contact
from services.contracts.values import Id


class Recipients(Protocol):
    """The recipients of mail."""

    async def contact_of(self, user_id: Id) -> Contact | None:
        """Return a user's contact, without an address that is not verified; None if the user was deleted.

        Raise NotReadyYet while identity does not answer.
        """
        ...
