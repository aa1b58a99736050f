"""The contacts of sites, fetched from sites by need: support stores none of them."""

from services.access.service_token import ServiceTokens
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.contracts.sites import SiteContact, Sites
from services.contracts.values import Id
from services.support.http.owners import answered_by


class SitesSiteContacts:
    """Implements ``usecases.ports.site_contacts.SiteContacts``."""

    def __init__(self, sites: ServiceChannel, tokens: ServiceTokens) -> None:
        self._sites = sites
        self._tokens = tokens

    async def contact_of(self, site_id: Id) -> SiteContact | None:
        with answered_by("sites"):
            headers = await self._tokens.headers()
            (contact,) = await client(Sites, self._sites, headers).site_contacts([site_id])
        return contact
