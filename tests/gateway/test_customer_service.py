"""The contact form, and staff's imports and partners."""

import pytest

from gateway import messages
from services.contracts.identity.people import Language
from tests.gateway.gateway_fixture import GatewayFixture
from tests.gateway.stubs.samples import ORGANISATION, site_id
from tests.gateway.stubs.support import SUPPRESSION

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_contact_form_and_an_import(gateway: GatewayFixture) -> None:
    form = {"idempotencyKey": "k", "siteId": site_id(1), "topic": "PICKUP", "message": "Hei"}
    answer = await gateway.execute(
        """mutation ($form: SendContactFormInput!) {
             sendContactForm(input: $form) { ... on ContactFormReceived { ticket { number site { siteNumber } } } }
             startImport(input: {id: "import_sites_x"}) { ... on ImportStarted { imported { state } } }
             tried: startImport(input: {id: "import_sites_x", dryRun: true}) {
               ... on ImportStarted { imported { dryRun } }
             }
             unknown: startImport(input: {id: "import_nobody_x"}) { ... on Refusal { problems { code } } }
           }""",
        gateway.staff(),
        form=form,
    )
    assert answer["data"] == {
        "sendContactForm": {"ticket": {"number": "T-1", "site": {"siteNumber": "S1"}}},
        "startImport": {"imported": {"state": "DONE"}},
        "tried": {"imported": {"dryRun": True}},
        "unknown": {"problems": [{"code": "NOT_FOUND"}]},
    }


async def test_an_import_is_watched(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ import(id: "import_stats_x") { state total failed badRows(first: 1) { edges { node { line field } } } }
             unknown: import(id: "import_nobody_x") { id } other: import(id: "site_x") { id }
             tickets { totalCount } }""",
        gateway.staff(),
    )
    bad = {"edges": [{"node": {"line": 3, "field": "litres"}}]}
    assert answer["data"] == {
        "import": {"state": "DONE", "total": 3, "failed": 1, "badRows": bad},
        "unknown": None,
        "other": None,
        "tickets": {"totalCount": 0},
    }
    assert {one.service for one in gateway.services.calls} == {"stats", "support"}


async def test_addresses_without_mail_are_seen_and_get_it_again(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """query ($id: ID!) {
             me { mailSuppression { reason } }
             mailSuppressions(first: 1) { edges { node { id user { name } site { id } ticket { id } status } } }
             ticketContact(ticketId: "ticket_1") { ... on TicketContact { mailSuppression { id recipientKind } } }
             node(id: $id) { ... on MailSuppression { reason } }
           }""",
        gateway.staff(),
        id=SUPPRESSION,
    )
    node = {"id": SUPPRESSION, "user": None, "site": None, "ticket": None, "status": "5.1.1"}
    assert answer["data"] == {
        "me": {"mailSuppression": {"reason": "SEVERAL_FAILED"}},
        "mailSuppressions": {"edges": [{"node": node}]},
        "ticketContact": {"mailSuppression": {"id": SUPPRESSION, "recipientKind": "TICKET"}},
        "node": {"reason": "ADDRESS_FAILED"},
    }
    answer = await gateway.execute(
        """mutation ($id: ID!) {
             resumeMail(input: {idempotencyKey: "1"}) { __typename ... on MutationResult { problems { code } } }
             liftMailSuppression(input: {idempotencyKey: "1", id: $id}) { __typename }
             unknown: liftMailSuppression(input: {idempotencyKey: "2", id: "suppression_x"}) {
               ... on Refusal { problems { code path } }
             }
           }""",
        gateway.staff(),
        id=SUPPRESSION,
    )
    assert answer["data"] == {
        "resumeMail": {"__typename": "MailResumed", "problems": []},
        "liftMailSuppression": {"__typename": "MailSuppressionLifted"},
        "unknown": {"problems": [{"code": "NOT_FOUND", "path": ["input", "id"]}]},
    }


async def test_staff_manage_partners(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation ($input: CreatePartnerInput!) {
             createPartner(input: $input) { ... on PartnerCreated { clientSecret partner { name organisationIds } } }
             revokePartner(input: {id: "partner_1", version: 1}) {
               ... on PartnerRevoked { partner { name version } }
               ... on MutationResult { problems { code } }
             }
           }""",
        gateway.staff(),
        input={"idempotencyKey": "k", "name": "Trucks", "scopes": ["pickups:report"]},
    )
    assert answer["data"] == {
        "createPartner": {"clientSecret": "shown once", "partner": {"name": "Trucks", "organisationIds": []}},
        "revokePartner": {"partner": {"name": "partner_1", "version": 1}, "problems": []},
    }
    assert (await gateway.execute("{ partners { edges { node { clientId } } } }", gateway.staff()))["data"] == {
        "partners": {"edges": [{"node": {"clientId": "routes"}}]}
    }


async def test_a_change_of_another_version_is_a_conflict(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation ($id: ID!) {
             revokePartner(input: {id: $id, version: 7}) {
               __typename
               ... on Conflict { current { id ... on Organisation { name } } fields { path yours now } }
               ... on MutationResult { problems { ... on Error { code path message } } }
             }
           }""",
        gateway.staff(),
        id=ORGANISATION,
    )
    assert answer["data"]["revokePartner"] == {
        "__typename": "Conflict",
        "current": {"id": ORGANISATION, "name": "As Oy Mirja"},
        "fields": [{"path": ["input", "version"], "yours": 7, "now": 1}],
        "problems": [
            {
                "code": "CONFLICT",
                "path": ["input", "version"],
                "message": messages.text("CONFLICT", Language.EN),
            }
        ],
    }
