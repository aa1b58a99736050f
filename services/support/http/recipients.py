"""The contacts of users, fetched from identity for each mail: support stores no addresses."""

from services.access.service_token import ServiceTokens
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.contracts.identity.operations import Identity
from services.contracts.identity.people import Contact
from services.contracts.values import Id
from services.support.http.owners import answered_by


class IdentityRecipients:
    """Implements ``usecases.ports.recipients.Recipients``; each call's token names the user, and support as actor."""

    def __init__(self, identity: ServiceChannel, tokens: ServiceTokens) -> None:
        self._identity = identity
        self._tokens = tokens

    async def contact_of(self, user_id: Id) -> Contact | None:
        with answered_by("identity"):
            headers = await self._tokens.headers(subject=user_id)
            (contact,) = await client(Identity, self._identity, headers).contacts([user_id])
        return contact
