"""The port of the contacts of sites."""

from typing import Protocol

from services.contracts.sites import SiteContact
from services.contracts.values import Id


class SiteContacts(Protocol):
    """The contact persons of sites."""

    async def contact_of(self, site_id: Id) -> SiteContact | None:
        """Return a site's contact; None if the site is not known. Raise NotReadyYet while sites does not answer."""
        ...
