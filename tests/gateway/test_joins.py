"""Batch fields: the calls of one service for one level are one request."""

import pytest

from tests.gateway.gateway_fixture import GatewayFixture
from tests.gateway.stubs.samples import (
    ARTICLE,
    ORGANISATION,
    PARTNER,
    STAFF,
    USER,
    agreement_id,
    container_id,
    order_id,
    pickup,
    site_id,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_page_of_40_sites_calls_each_service_once_a_level(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ sites(first: 40) { totalCount edges { node {
               id address { street } openOrderCount nextPickup { date state } organisation { name customerNumber }
               agreements { edges { node { agreementNumber site { siteNumber containers { litres } }
                                           extraPickupOffers { ... on Offers { citation } } } } }
               calendar(since: "2026-03-01", until: "2026-03-31") { __typename }
           } } } }""",
        gateway.user(),
    )
    assert "errors" not in answer, answer
    nodes = [edge["node"] for edge in answer["data"]["sites"]["edges"]]
    assert [node["address"]["street"] for node in nodes] == [f"Ekokaari {n}" for n in range(1, 41)]
    assert {node["organisation"]["name"] for node in nodes} == {"As Oy Mirja"}
    assert nodes[0]["nextPickup"] == {"date": "2026-03-09", "state": "PLANNED"}
    for number, node in enumerate(nodes, start=1):
        (edge,) = node["agreements"]["edges"]
        assert edge["node"]["agreementNumber"] == f"A{number}"
        assert edge["node"]["site"] == {"siteNumber": f"S{number}", "containers": [{"litres": 240}]}
    assert sorted(one.operation for one in gateway.services.calls) == sorted(
        [
            "sites",
            "organisations_by_id",
            "open_order_counts",
            "next_pickups",
            "agreements_of_sites",
            "calendars",
            "sites_by_id",
            "extra_pickup_offers",
        ]
    )
    assert gateway.services.calls_to("organisations_by_id")[0].arguments == {"ids": [ORGANISATION]}


async def test_the_actors_of_all_timelines_are_one_call(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        "{ orders(first: 3) { edges { node { number timeline { state actor { __typename name } } } } } }",
        gateway.user(),
    )
    assert "errors" not in answer, answer
    assert [edge["node"] for edge in answer["data"]["orders"]["edges"]] == [
        {
            "number": f"ORD-2026-{number:06}",
            "timeline": [
                {"state": "RECEIVED", "actor": {"__typename": "UserActor", "name": "maija"}},
                {"state": "CONFIRMED", "actor": {"__typename": "SystemActor", "name": None}},
            ],
        }
        for number in range(1, 4)
    ]
    (call,) = gateway.services.calls_to("actors")
    assert call.arguments == {"ids": [USER]}


async def test_the_same_field_with_other_arguments_is_another_call(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ sites(first: 3) { edges { node {
               march: calendar(since: "2026-03-01", until: "2026-03-31") { __typename }
               april: calendar(since: "2026-04-01", until: "2026-04-30") { __typename }
           } } } }""",
        gateway.user(),
    )
    assert "errors" not in answer
    assert len(gateway.services.calls_to("calendars")) == 2


async def test_sites_gets_the_selected_fields(gateway: GatewayFixture) -> None:
    await gateway.execute(
        """query { sites(first: 1) { edges { node { ...S organisation { id } } } } }
           fragment S on Site { siteNumber ... on Node { id } }""",
        gateway.user(),
    )
    (requests,) = gateway.services.calls_to("sites")
    assert requests.arguments["fields"] == ["id", "siteNumber"]


@pytest.mark.parametrize("field", ["sites", "orders", "tickets"])
async def test_a_list_is_counted_only_where_its_total_is_selected(gateway: GatewayFixture, field: str) -> None:
    for selection, counted in (("totalCount", True), ("edges { cursor }", False), ("...P", True)):
        document = f"{{ {field}(first: 3) {{ pageInfo {{ hasNextPage }} {selection} }} }}"
        if selection == "...P":
            document += f" fragment P on {field[:-1].capitalize()}Connection {{ total: totalCount }}"
        answer = await gateway.execute(document, gateway.user())
        assert "errors" not in answer, answer
        (call,) = gateway.services.calls_to(field)
        assert call.arguments["page"].total is counted
        gateway.services.calls.clear()


@pytest.mark.parametrize(
    ("operation", "document"),
    [
        ("sites", "{ sites(LOOK) { PAGE } }"),
        ("orders", "{ orders(LOOK) { PAGE } }"),
        ("tickets", "{ tickets(LOOK) { PAGE } }"),
        ("organisations", "{ organisations(LOOK) { PAGE } }"),
        ("partners", "{ partners(LOOK) { PAGE } }"),
        ("imports", "{ imports(kind: SITES, LOOK) { PAGE } }"),
        ("agreements_of_sites", "{ sites(first: 1) { edges { node { agreements(LOOK) { PAGE } } } } }"),
        ("organisations_of_partners", "{ partners(first: 1) { edges { node { organisations(LOOK) { PAGE } } } } }"),
    ],
)
async def test_what_has_changed_is_asked_of_the_owner_of_a_list(
    gateway: GatewayFixture, operation: str, document: str
) -> None:
    for selected in (True, False):
        page = f"removed pageInfo {{ {'updatedUntil' if selected else 'endCursor'} }}"
        look = document.replace("LOOK", 'updatedAfter: "token"').replace("PAGE", page)
        assert "errors" not in await gateway.execute(look, gateway.staff())
        (call,) = gateway.services.calls_to(operation)
        assert (call.arguments["page"].updated_after, call.arguments["page"].updates) == ("token", selected)
        gateway.services.calls.clear()


async def test_a_joined_site_is_called_for_with_its_selected_fields(gateway: GatewayFixture) -> None:
    await gateway.execute(
        """{ orders { edges { node { a: site { siteNumber } b: site { containers { litres } } } } } }""",
        gateway.user(),
    )
    requests = [one.arguments for one in gateway.services.calls_to("sites_by_id")]
    assert requests == [
        {"ids": [site_id(1)], "fields": ["siteNumber"]},
        {"ids": [site_id(1)], "fields": ["containers"]},
    ]


async def test_an_unavailable_service_affects_its_own_fields_only(gateway: GatewayFixture) -> None:
    gateway.services.unavailable.add("orders")
    answer = await gateway.execute(
        "{ sites(first: 2) { edges { node { siteNumber openOrderCount } } } }", gateway.user()
    )
    assert [edge["node"] for edge in answer["data"]["sites"]["edges"]] == [
        {"siteNumber": "S1", "openOrderCount": None},
        {"siteNumber": "S2", "openOrderCount": None},
    ]
    assert [error["path"] for error in answer["errors"]] == [
        ["sites", "edges", 0, "node", "openOrderCount"],
        ["sites", "edges", 1, "node", "openOrderCount"],
    ]


async def test_nodes_of_every_kind_by_their_ids(gateway: GatewayFixture) -> None:
    ids = [site_id(2), agreement_id(3), "nonsense", site_id(1), ORGANISATION, "import_orders_x", site_id(2)]
    answer = await gateway.execute(
        """query ($ids: [ID!]!) { nodes(ids: $ids) {
             __typename id ... on Site { siteNumber containers { count } } ... on Agreement { site { siteNumber } }
             ... on Import { badRows { totalCount edges { node { line } } } } } }""",
        gateway.user(),
        ids=ids,
    )
    assert "errors" not in answer, answer
    nodes = answer["data"]["nodes"]
    assert [one and one["__typename"] for one in nodes] == [
        "Site",
        "Agreement",
        None,
        "Site",
        "Organisation",
        "Import",
        "Site",
    ]
    assert [one["id"] for one in nodes if one] == [one for one in ids if one != "nonsense"]
    assert nodes[1]["site"]["siteNumber"] == "S3"
    first, second = gateway.services.calls_to("sites_by_id")
    assert first.arguments["ids"] == [site_id(2), site_id(1)]
    assert second.arguments["ids"] == [site_id(3)]


async def test_a_node_that_is_out_of_reach_is_null(gateway: GatewayFixture) -> None:
    answer = await gateway.execute("query ($id: ID!) { node(id: $id) { id } }", gateway.user(), id=site_id(999))
    assert answer["data"] == {"node": None}
    assert "errors" not in answer


NODES = {
    "Organisation": ORGANISATION,
    "Me": USER,
    "Partner": PARTNER,
    "Site": site_id(3),
    "Container": container_id(3),
    "Article": ARTICLE.id,
    "Agreement": agreement_id(3),
    "Order": order_id(3),
}


async def test_everything_with_an_id_is_a_node(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", gateway.user(), ids=list(NODES.values())
    )
    assert answer["data"] == {"nodes": [{"__typename": name, "id": node_id} for name, node_id in NODES.items()]}


async def test_nodes_of_one_type_are_one_call_for_each_distinct_id(gateway: GatewayFixture) -> None:
    ids = [container_id(1), container_id(2), container_id(1), container_id(99)]
    answer = await gateway.execute(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Container { containerNumber site { siteNumber } } } }",
        gateway.user(),
        ids=ids,
    )
    first, second = ({"containerNumber": f"C{number}", "site": {"siteNumber": f"S{number}"}} for number in (1, 2))
    assert answer["data"] == {"nodes": [first, second, first, None]}
    (call,) = gateway.services.calls_to("containers_by_id")
    assert call.arguments == {"ids": [container_id(1), container_id(2), container_id(99)]}
    assert len(gateway.services.calls_to("sites_by_id")) == 1


async def test_another_user_is_no_node(gateway: GatewayFixture) -> None:
    other = await gateway.execute("query ($id: ID!) { node(id: $id) { id } }", gateway.user(), id=STAFF)
    assert other["data"] == {"node": None}


async def test_a_conflict_shows_the_partner_as_it_is_now(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation ($id: ID!) { revokePartner(input: {id: $id, version: 7}) {
               ... on Conflict { current { ... on Partner { id name version } } fields { path } } } }""",
        gateway.user(),
        id=PARTNER,
    )
    current = {"id": PARTNER, "name": "Routes", "version": 1}
    assert answer["data"] == {"revokePartner": {"current": current, "fields": [{"path": ["input", "version"]}]}}


async def test_references_lead_to_their_things_in_one_call_each(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ sites(first: 3) { edges { node { agreements { edges { node {
               container { containerNumber } organisation { name } } } }
               calendar(since: "2026-03-01", until: "2026-03-31") { ... on Calendar { site { siteNumber } } } } } }
             volumes(since: "2026-01-01", until: "2026-03-31") {
               ... on Volumes { steps { rows { article { name } } } } } }""",
        gateway.user(),
    )
    assert "errors" not in answer, answer
    for number, edge in enumerate(answer["data"]["sites"]["edges"], start=1):
        (agreement,) = edge["node"]["agreements"]["edges"]
        assert agreement["node"] == {
            "container": {"containerNumber": f"C{number}"},
            "organisation": {"name": "As Oy Mirja"},
        }
    (step,) = answer["data"]["volumes"]["steps"]
    assert {row["article"]["name"] for row in step["rows"]} == {ARTICLE.name}
    for operation in ("containers_by_id", "organisations_by_id", "articles_by_id"):
        assert len(gateway.services.calls_to(operation)) == 1


async def test_pickups_lead_to_their_site_agreement_and_order_in_one_call_each(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ sites(first: 3) { edges { node { nextPickup {
               id site { siteNumber } agreement { agreementNumber } order { number } } } } }
             orders(first: 3) { edges { node { id pickups {
               agreementId article { name } agreement { id } order { id } site { siteNumber } } } } } }""",
        gateway.user(),
    )
    assert "errors" not in answer, answer
    for number, edge in enumerate(answer["data"]["sites"]["edges"], start=1):
        found = edge["node"]["nextPickup"]
        assert found == {
            "id": pickup(number).id,
            "site": {"siteNumber": f"S{number}"},
            "agreement": {"agreementNumber": f"A{number}"},
            "order": None,
        }
    for number, edge in enumerate(answer["data"]["orders"]["edges"], start=1):
        (of_order,) = edge["node"]["pickups"]
        nothing = dict.fromkeys(("agreementId", "article", "agreement"))
        assert of_order == nothing | {"order": {"id": order_id(number)}, "site": {"siteNumber": f"S{number}"}}
    calls = [gateway.services.calls_to(name) for name in ("pickups_of_orders", "agreements_by_id", "orders_by_id")]
    assert [len(made) for made in calls] == [1, 1, 1]


async def test_a_pickup_is_a_node(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Pickup { date state } } }",
        gateway.user(),
        ids=[pickup(7).id, site_id(1), pickup(8).id],
    )
    first, _, last = answer["data"]["nodes"]
    assert [first["__typename"], first["id"], last["id"]] == ["Pickup", pickup(7).id, pickup(8).id]
    assert len(gateway.services.calls_to("pickups_by_id")) == 1


async def test_organisations_and_memberships_lead_to_their_sites(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ me { memberships {
               sites(first: 2, filter: {search: "ekokaari"}) { totalCount edges { node { siteNumber } } }
               organisation { sites(first: 1) { edges { node { id } } } }
           } } }""",
        gateway.user(),
    )
    assert "errors" not in answer, answer
    (membership,) = answer["data"]["me"]["memberships"]
    assert membership["sites"]["totalCount"] == 50
    assert [edge["node"]["siteNumber"] for edge in membership["sites"]["edges"]] == ["S1", "S2"]
    assert len(membership["organisation"]["sites"]["edges"]) == 1
    asked = {one.arguments["organisation_id"] for one in gateway.services.calls_to("sites")}
    assert asked == {ORGANISATION}


async def test_the_organisations_of_all_partners_are_one_call(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        "{ partners { edges { node { organisations(first: 1) { totalCount edges { node { name } } } } } } }",
        gateway.staff(),
    )
    assert "errors" not in answer, answer
    (edge,) = answer["data"]["partners"]["edges"]
    assert edge["node"]["organisations"] == {"totalCount": 1, "edges": [{"node": {"name": "As Oy Mirja"}}]}
    (call,) = gateway.services.calls_to("organisations_of_partners")
    assert call.arguments["partner_ids"] == [PARTNER]
