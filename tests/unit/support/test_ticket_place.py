"""S2: the place of a ticket."""

import uuid

import msgspec
import pytest

from services.contracts.support.tickets import Channel, TicketState
from services.contracts.values import refuse
from services.support.domain.ticket import SiteCopy, TicketRecord
from services.support.domain.ticket_place import placed_at
from tests.unit.support.test_ticket_state import LATER, ticket

ORG, SITE = uuid.UUID(int=2), uuid.UUID(int=3)
HERE = SiteCopy(id=SITE, organisation_id=ORG, site_number="51")
NEARBY = SiteCopy(id=uuid.UUID(int=31), organisation_id=ORG, site_number="52")
FOREIGN = SiteCopy(id=uuid.UUID(int=32), organisation_id=uuid.UUID(int=22), site_number="53")
OF_CUSTOMER = msgspec.structs.replace(ticket(TicketState.OPEN), order_id=uuid.UUID(int=5))
OF_NOBODY = msgspec.structs.replace(
    OF_CUSTOMER, organisation_id=None, site_id=None, site_number="", channel=Channel.PUBLIC_FORM, order_id=None
)


def place_of(placed: object) -> tuple[object, ...]:
    assert isinstance(placed, TicketRecord)
    return placed.organisation_id, placed.site_id, placed.site_number, placed.order_id


def test_a_ticket_without_an_organisation_gets_that_of_any_site() -> None:
    placed = placed_at(OF_NOBODY, FOREIGN, LATER)
    assert place_of(placed) == (FOREIGN.organisation_id, FOREIGN.id, "53", None)
    assert isinstance(placed, TicketRecord)
    assert (placed.state, placed.updated_at, placed.version) == (TicketState.OPEN, LATER, 2)


def test_a_ticket_moves_among_the_sites_of_its_organisation_without_what_it_was_about() -> None:
    assert place_of(placed_at(OF_CUSTOMER, HERE, LATER)) == (ORG, SITE, "51", OF_CUSTOMER.order_id)
    assert place_of(placed_at(OF_CUSTOMER, NEARBY, LATER)) == (ORG, NEARBY.id, "52", None)
    assert placed_at(OF_CUSTOMER, FOREIGN, LATER) == refuse("OTHER_ORGANISATION", "siteId")


@pytest.mark.parametrize("channel", list(Channel))
def test_what_kierto_wrote_for_the_staff_is_given_to_no_customer(channel: Channel) -> None:
    placed = placed_at(msgspec.structs.replace(OF_NOBODY, channel=channel), HERE, LATER)
    assert (placed == refuse("STAFF_ONLY", "ticketId")) is (channel is Channel.SYSTEM)
    of_site = msgspec.structs.replace(OF_CUSTOMER, channel=channel)
    assert isinstance(placed_at(of_site, NEARBY, LATER), TicketRecord)
