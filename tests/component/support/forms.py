"""Helpers of the tests of support: a copied site, its members, and a form about it."""

from collections.abc import Sequence

from services.access.caller import Caller
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.events import Grant
from services.contracts.permission import Role
from services.contracts.sites import PropertyType, SiteStated
from services.contracts.support.operations import Support
from services.contracts.support.tickets import ContactFormReceived, SendContactForm, Ticket
from services.contracts.ticket_requests import Topic
from services.support.store.transaction import SupportTransaction
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[SupportTransaction, Support]
MakeSupport = MakeHarness[SupportTransaction, Support]


def an_id(prefix: str) -> str:
    """Return a unique id."""
    return write_id(prefix, new_uuid())


async def known_site(
    harness: Harness, organisation_id: str, site_id: str | None = None, *, site_number: str = "50", version: int = 1
) -> str:
    """Receive a site, and return its id."""
    site_id = site_id or an_id("site")
    await harness.receive(
        SiteStated(
            site_id=site_id,
            organisation_id=organisation_id,
            site_number=site_number,
            municipality="KOUVOLA",
            area="KELTAKANGAS",
            property_type=PropertyType.HOUSING_COMPANY,
            dwellings=24,
            version=version,
        )
    )
    return site_id


async def member_of(
    harness: Harness, organisation_id: str, site_ids: list[str] | None = None, role: Role = Role.VIEWER
) -> Caller:
    """Return a member of an organisation, or of some of its sites."""
    return await harness.caller(Grant(organisation_id=organisation_id, role=role, site_ids=site_ids))


def form(
    site_id: str | None,
    message: str = "Astiaa ei tyhjennetty.",
    key: str = "key-1",
    attachment_ids: Sequence[str] = (),
) -> SendContactForm:
    """Return a contact form about a site."""
    return SendContactForm(
        idempotency_key=key,
        site_id=site_id,
        topic=Topic.PICKUP,
        message=message,
        attachment_ids=list(attachment_ids),
    )


async def send(harness: Harness, caller: Caller, command: SendContactForm) -> Ticket:
    """Send a form that is accepted, and return its ticket."""
    received = await harness.api(caller).send_contact_form(command)
    assert isinstance(received, ContactFormReceived)
    return received.ticket
