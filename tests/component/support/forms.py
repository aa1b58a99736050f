"""What the tests of support have in common: a site that support knows of, people who see it, and a form about it."""

from services.access.caller import Caller
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity import Grant, Role
from services.contracts.sites import PropertyType, SiteStated
from services.contracts.support import ContactFormReceived, SendContactForm, Support, Ticket, Topic
from services.support.store.transaction import SupportTransaction
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[SupportTransaction, Support]
MakeSupport = MakeHarness[SupportTransaction, Support]


def an_id(prefix: str) -> str:
    """An id that nothing else has."""
    return write_id(prefix, new_uuid())


async def known_site(
    bench: Harness, organisation_id: str, site_id: str | None = None, *, site_number: str = "50", version: int = 1
) -> str:
    """A site that support has heard of; its id."""
    site_id = site_id or an_id("site")
    await bench.receive(
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
    bench: Harness, organisation_id: str, site_ids: list[str] | None = None, role: Role = Role.VIEWER
) -> Caller:
    """A member of an organisation, perhaps of some of its sites alone."""
    return await bench.caller(Grant(organisation_id=organisation_id, role=role, site_ids=site_ids))


def form(site_id: str, message: str = "Astiaa ei tyhjennetty.", key: str = "key-1") -> SendContactForm:
    """A contact form about a site."""
    return SendContactForm(idempotency_key=key, site_id=site_id, topic=Topic.PICKUP, message=message)


async def send(bench: Harness, caller: Caller, command: SendContactForm) -> Ticket:
    """Send a form that is taken; its ticket."""
    received = await bench.api(caller).send_contact_form(command)
    assert isinstance(received, ContactFormReceived)
    return received.ticket
