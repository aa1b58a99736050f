"""Queries and mutations: results, refusals in the caller's language, errors."""

import datetime as dt

import pytest

from gateway import messages
from services.contracts.identity.people import Language
from services.contracts.orders.reports import PickupReport, ReportKind
from tests.gateway.gateway_fixture import GatewayFixture
from tests.gateway.stubs.samples import ORGANISATION, PARTNER, agreement_id, order_id, site_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGISTER = """
    mutation ($input: RegisterInput!) { register(input: $input) {
      __typename
      ... on Registered { userId accessRequested }
      ... on Refusal { problems { code path message retryable params } }
    } }
"""
WRONG_SIGN_IN = """
    mutation { signIn(input: {username: "maija", password: "wrong"}) { ... on Refusal { problems { message } } } }
"""
REGISTRATION = {
    "customerNumber": "62-0000000-00",
    "invoiceNumber": "1962859",
    "username": "maija",
    "email": "maija@example.com",
    "password": "correct horse battery",
    "termsVersion": "2026-01",
}


async def test_an_anonymous_caller_registers(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(REGISTER, input=REGISTRATION | {"language": "SV"})
    assert answer["data"]["register"]["accessRequested"] is True
    (call,) = gateway.services.calls_to("register")
    assert call.arguments["command"].terms_version == "2026-01"


async def test_absent_members_of_an_input_are_absent_in_the_command(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(REGISTER, input={k: v for k, v in REGISTRATION.items() if k != "termsVersion"})
    (problem,) = answer["data"]["register"]["problems"]
    assert problem == {
        "code": "TERMS_REQUIRED",
        "path": ["input", "termsVersion"],
        "message": "Accept the terms of use (version 2026-01) to continue.",
        "retryable": False,
        "params": {"version": "2026-01"},
    }


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fi", "Käyttäjätunnus tai salasana on väärä."),
        ("sv-FI,en;q=0.5", "Användarnamnet eller lösenordet är fel."),
        ("no", "Brukernavnet eller passordet er feil."),
        ("nn", "Brukernavnet eller passordet er feil."),
        ("fi;q=0.2, en;q=0.9, sv;q=0.5", "The username or the password is wrong."),
        ("en-GB", "The username or the password is wrong."),
        ("de", "Käyttäjätunnus tai salasana on väärä."),
    ],
)
async def test_a_refusal_is_in_the_callers_language(gateway: GatewayFixture, language: str, text: str) -> None:
    answer = await gateway.execute(WRONG_SIGN_IN, language=language)
    assert answer["data"]["signIn"]["problems"] == [{"message": text}]


@pytest.mark.parametrize(("accepted", "language"), [("de", "sv"), ("*", "sv"), ("de, nb;q=0.1", "nb")])
async def test_without_a_supported_language_the_tokens_is_used(
    gateway: GatewayFixture, accepted: str, language: str
) -> None:
    token = gateway.user(locale="sv")
    answer = await gateway.execute(WRONG_SIGN_IN, token, accepted)
    text = messages.text("SIGN_IN_FAILED", Language(language))
    assert answer["data"]["signIn"]["problems"] == [{"message": text}]
    (call,) = gateway.services.calls
    assert call.headers["accept-language"] == language


async def test_a_socket_uses_the_tokens_language(gateway: GatewayFixture) -> None:
    async with gateway.socket(gateway.user(locale="sv"), **{"Accept-Language": "de"}) as socket:
        await socket.subscribe()
        assert (await socket.next_errors())[0]["message"] == messages.text("UNAUTHENTICATED", Language.SV)


async def test_request_errors_are_in_the_tokens_language(gateway: GatewayFixture) -> None:
    token = gateway.user(locale="sv")
    await gateway.execute("{ me { id } }", token, "de")
    answer = await gateway.execute("query a { me { id } } query b { me { id } }", token, "de")
    assert [error["message"] for error in answer["errors"]] == [messages.text("UNKNOWN_OPERATION", Language.SV)]
    async with gateway.session.post(
        f"{gateway.url}/files/sites/import-sites",
        data=b"a",
        headers={"Authorization": f"Bearer {token}", "Accept-Language": "de", "Content-Type": "text/csv"},
    ) as response:
        refused = await response.json()
    assert [error["message"] for error in refused["errors"]] == [messages.text("FORBIDDEN", Language.SV)]


async def test_signing_in_gives_a_token_that_works(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        'mutation { signIn(input: {username: "maija", password: "right"}) { ... on SignedIn { accessToken } } }'
    )
    token = answer["data"]["signIn"]["accessToken"]
    me = await gateway.execute("{ me { username language memberships { role organisation { id } } } }", token)
    assert me["data"]["me"]["username"] == "maija"
    assert me["data"]["me"]["language"] == "FI"


async def test_an_extra_pickup_is_ordered(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation ($input: OrderExtraPickupInput!) { orderExtraPickup(input: $input) { ... on Ordered { order {
             id state date placedAt site { siteNumber } agreement { agreementNumber } timeline { state at }
        } } } }""",
        gateway.user(),
        input={"idempotencyKey": "k1", "agreementId": agreement_id(1), "date": "2026-03-10"},
    )
    assert answer["data"]["orderExtraPickup"]["order"] == {
        "id": order_id(1),
        "state": "CONFIRMED",
        "date": "2026-03-10",
        "placedAt": "2026-03-04T08:00:00Z",
        "site": {"siteNumber": "S1"},
        "agreement": {"agreementNumber": "A1"},
        "timeline": [{"state": state, "at": "2026-03-04T08:00:00Z"} for state in ("RECEIVED", "CONFIRMED")],
    }


async def test_a_partner_reports_pickups(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation ($input: ReportPickupsInput!) { reportPickups(input: $input) {
             ... on PickupsReported { outcomes { reportId accepted } } } }""",
        gateway.partner(),
        input={
            "reports": [
                {"reportId": "r1", "kind": "EMPTIED", "at": "2026-03-10T09:00:00+02:00", "orderId": order_id(1)}
                | {"grams": 38500}
            ]
        },
    )
    assert answer["data"]["reportPickups"]["outcomes"] == [{"reportId": "r1", "accepted": True}]
    (call,) = gateway.services.calls
    assert call.arguments["reports"] == [
        PickupReport(
            report_id="r1",
            kind=ReportKind.EMPTIED,
            at=dt.datetime(2026, 3, 10, 7, tzinfo=dt.UTC),
            order_id=order_id(1),
            grams=38_500,
        )
    ]
    assert call.caller is not None and call.caller.sub == PARTNER


async def test_grams_beyond_32_bits_are_shown(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ volumes(since: "2026-03-01", until: "2026-03-31", filter: {fractions: [RESIDUAL]}) {
             ... on Volumes { grams steps { start rows { grams } } } } }""",
        gateway.user(),
    )
    assert answer["data"]["volumes"] == {
        "grams": 5_000_000_000,
        "steps": [{"start": "2026-03-01", "rows": [{"grams": 5_000_000_000}]}],
    }


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


async def test_sessions_are_renewed_and_end(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation {
             on: refresh(input: {refreshToken: "next"}) { ... on SignedIn { refreshToken expiresIn } }
             used: refresh(input: {refreshToken: "used"}) { ... on Refusal { problems { code } } }
             signOut { ... on SignedOut { sessionEnded } }
           }""",
        gateway.user(),
    )
    assert answer["data"] == {
        "on": {"refreshToken": "next", "expiresIn": 600},
        "used": {"problems": [{"code": "SESSION_ENDED"}]},
        "signOut": {"sessionEnded": True},
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


async def test_a_problem_of_one_report_leads_to_it(gateway: GatewayFixture) -> None:
    report = {"kind": "EMPTIED", "at": "2026-03-10T09:00:00Z", "grams": 38500}
    answer = await gateway.execute(
        """mutation ($input: ReportPickupsInput!) { reportPickups(input: $input) {
             ... on PickupsReported { outcomes { refusal { problems { code path } } } } } }""",
        gateway.partner(),
        input={"reports": [report | {"reportId": "fine"}, report | {"reportId": "unplanned"}]},
    )
    assert answer["data"]["reportPickups"]["outcomes"] == [
        {"refusal": None},
        {"refusal": {"problems": [{"code": "NOT_PLANNED", "path": ["input", "reports", "1", "date"]}]}},
    ]


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


async def test_an_input_may_be_a_literal(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation { reportPickups(input: {reports: [
             {reportId: "r", kind: EMPTIED, at: "2026-03-10T09:00:00Z", grams: 38500}]}) {
               ... on PickupsReported { outcomes { accepted } } } }""",
        gateway.partner(),
    )
    assert answer["data"]["reportPickups"]["outcomes"] == [{"accepted": True}]


async def test_a_refusal_of_one_site_affects_only_that_site(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ sites(first: 2) { edges { node { calendar(since: "2026-03-02", until: "2026-03-03") {
             __typename ... on Refusal { problems { code path message } } } } } } }""",
        gateway.user(),
    )
    assert [edge["node"]["calendar"] for edge in answer["data"]["sites"]["edges"]] == [
        {"__typename": "Calendar"},
        {
            "__typename": "Refusal",
            "problems": [{"code": "NOT_FOUND", "path": [], "message": messages.text("NOT_FOUND", Language.EN)}],
        },
    ]


async def test_a_malformed_argument_of_a_query_is_an_error(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ sites(first: 1) { edges { node { calendar(since: "2026-03-02", until: "2026-03-01") { __typename } } } }
             me { username } }""",
        gateway.user(),
    )
    assert answer["data"] == {"sites": {"edges": [{"node": {"calendar": None}}]}, "me": {"username": "maija"}}
    (error,) = answer["errors"]
    params = {"reason": "EARLIEST", "earliest": "2026-03-02"}
    assert error["extensions"] == {"code": "MALFORMED", "path": ["until"], "params": params}
    assert error["message"] == "The earliest possible day is 2 Mar 2026."


async def test_the_unexpected_is_masked_with_a_trace_id(gateway: GatewayFixture) -> None:
    query = '{ sites(filter: {search: "broken"}) { totalCount } me { username } }'
    answer = await gateway.execute(query, gateway.user())
    assert answer["data"] == {"sites": None, "me": {"username": "maija"}}
    (error,) = answer["errors"]
    trace_id = answer["headers"]["X-Trace-Id"]
    assert error["message"] == f"Something unexpected happened. Tell us this number: {trace_id}."
    assert error["extensions"] == {"code": "UNEXPECTED", "traceId": trace_id}
    assert "inside" not in str(answer)


async def test_a_callers_trace_is_continued(gateway: GatewayFixture) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.post(
        f"{gateway.url}/graphql", json={"query": "{ me { id } }"}, headers=headers
    ) as response:
        assert response.headers["X-Trace-Id"] == trace
    (call,) = gateway.services.calls
    assert call.headers["traceparent"].split("-")[1] == trace


async def test_an_operation_without_permission_is_forbidden(gateway: GatewayFixture) -> None:
    answer = await gateway.execute('{ sites(filter: {search: "forbidden"}) { totalCount } }', gateway.partner(), "sv")
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert error["message"] == "Du har inte behörighet att göra detta."


async def test_an_anonymous_caller_may_execute_public_operations_only(gateway: GatewayFixture) -> None:
    answer = await gateway.execute("{ sites { totalCount } me { id } }")
    assert answer["status"] == 200
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"] * 2
    assert answer["data"] == {"sites": None, "me": None}


@pytest.mark.parametrize("query", ["{ sites {", "{ nothing }", "query ($id: ID!) { node(id: $id) { id } }"])
async def test_an_invalid_operation_has_errors_with_locations(gateway: GatewayFixture, query: str) -> None:
    answer = await gateway.execute(query, gateway.user())
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_OPERATION"]
    assert "unexpected" not in answer["errors"][0]["message"]


@pytest.mark.parametrize("grams", [2**53, 1.5, True, "1"])
async def test_a_long_is_a_whole_number_below_2_to_the_53(gateway: GatewayFixture, grams: object) -> None:
    report = {"reportId": "r", "kind": "EMPTIED", "at": "2026-03-10T09:00:00Z", "grams": grams}
    answer = await gateway.execute(
        "mutation ($r: PickupReportInput!) { reportPickups(input: {reports: [$r]}) { __typename } }",
        gateway.partner(),
        r=report,
    )
    assert "Long cannot represent" in answer["errors"][0]["message"]


async def test_an_instant_needs_its_offset(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation { reportPickups(input: {reports: [
             {reportId: "r", kind: ARRIVED, at: "2026-03-10T09:00:00", grams: 1}]}) { __typename } }""",
        gateway.partner(),
    )
    assert "Z or an offset" in answer["errors"][0]["message"]


async def test_calls_carry_language_and_address(gateway: GatewayFixture) -> None:
    await gateway.execute("{ me { id } }", gateway.user(), "nb")
    (call,) = gateway.services.calls
    assert call.headers["accept-language"] == "nb"
    assert call.headers["x-forwarded-for"] == "127.0.0.1"


async def test_a_stranger_reads_the_settings(gateway: GatewayFixture) -> None:
    text = "{ settings { timeZone currency pageLimit languages registration { termsVersion password { shortest } } } }"
    assert (await gateway.execute(text))["data"]["settings"] == {
        "timeZone": "Europe/Helsinki",
        "currency": "EUR",
        "pageLimit": 200,
        "languages": ["FI", "SV", "NB", "EN"],
        "registration": {"termsVersion": "2026-01", "password": {"shortest": 12}},
    }
