"""Each rule of the graph's conventions reports a breach, and accepts what keeps it."""

from typing import cast

import pytest
from graphql import GraphQLObjectType, build_schema

from tests.graph_rules import RULES
from tests.graph_rules.__main__ import SCHEMA
from tests.graph_rules.commands import CHANGED_WITHOUT_VERSION, REPEATED_WITHOUT_KEY
from tests.graph_rules.messages import WITHOUT_MESSAGE
from tests.graph_rules.nodes import NO_NODES, NO_REFERENCES, nodes

KEPT = '''
"""An instant."""
scalar DateTime @specifiedBy(url: "https://www.rfc-editor.org/rfc/rfc3339")

"""A whole number."""
scalar Long

"""Reads."""
type Query {
  """The time."""
  now("""The `timeZone`; null: UTC.""" zone: Zone = null): DateTime
}

"""A zone."""
enum Zone {
  """Coordinated universal time."""
  UTC
}

"""Commands."""
type Mutation {
  """Set the clock."""
  setClock("""The time.""" input: SetClockInput!): Long

  """Stop the clock."""
  stopClock: Long
}

"""A time."""
input SetClockInput {
  """The time."""
  at: DateTime!
}
'''

SETTINGS = """
    type Query { settings: Settings }
    type Settings { currency: String languages: [String] timeZone: String pageLimit: Int importFiles: Uploads
                    registration: Registration }
    type Uploads { maxBytes: Int }
    type Registration { termsVersion: String customerNumber: Format invoiceNumber: Format password: Password }
    type Format { pattern: String example: String }
    type Password { shortest: Int }
"""


def test_a_missing_setting_is_reported() -> None:
    rule = RULES["discovery"]
    assert list(rule(build_schema(SETTINGS))) == []
    assert list(rule(build_schema(SETTINGS.replace("timeZone", "zone")))) == ["Query.settings has no timeZone"]
    assert list(rule(build_schema(SETTINGS.replace("shortest", "least")))) == [
        "Query.settings has no registration.password.shortest"
    ]


@pytest.mark.parametrize("matter", ["description", "inputs", "scalars"])
def test_a_schema_that_keeps_the_conventions_has_no_breach(matter: str) -> None:
    assert list(RULES[matter](build_schema(KEPT))) == []


@pytest.mark.parametrize(
    ("matter", "kept", "broken", "breach"),
    [
        ("description", '"""An instant."""\n', "", "DateTime has no description"),
        ("description", '  """The time."""\n  now', "  now", "Query.now has no description"),
        ("description", '"""The `timeZone`; null: UTC."""', "", "Query.now(zone) has no description"),
        ("description", '  """Coordinated universal time."""\n', "", "Zone.UTC has no description"),
        ("description", '  """The time."""\n  at', "  at", "SetClockInput.at has no description"),
        ("description", "null: UTC", "None: UTC", "Query.now(zone): its description has None, which is Python"),
        ("description", "timeZone", "time_zone", "Query.now(zone): its description has `time_zone`, which is Python"),
        ("scalars", "Long", "Time", "Time is no scalar of the conventions"),
        ("scalars", ' @specifiedBy(url: "https://www.rfc-editor.org/rfc/rfc3339")', "", "DateTime has no @specifiedBy"),
        ("inputs", "input: SetClockInput!", "input: SetClockInput", "Mutation.setClock takes other arguments"),
        ("inputs", "stopClock", "stopClock(at: Long)", "Mutation.stopClock takes other arguments than one `input`"),
        ("inputs", "SetClockInput", "ClockInput", "Mutation.setClock: its input is named ClockInput"),
    ],
)
def test_a_breach_is_reported(matter: str, kept: str, broken: str, breach: str) -> None:
    assert kept in KEPT
    found = list(RULES[matter](build_schema(KEPT.replace(kept, broken))))
    assert any(one.startswith(breach) for one in found), found


NODES = """
    interface Node { id: ID! }
    type Query { node(id: ID!): Node nodes(ids: [ID!]!): [Node] }
    type Site implements Node { id: ID! organisationId: ID! organisation: Organisation }
    type Organisation implements Node { id: ID! siteIds: [ID!] sites: SiteConnection }
    type SiteConnection { nodes: [Site!]! }
"""
LOADED = ("org", "site")


def test_a_type_with_an_id_is_a_node_that_is_found() -> None:
    assert list(nodes(build_schema(NODES), LOADED)) == []
    assert list(nodes(build_schema(NODES), ("org",))) == ["Site: `node` finds no id that begins with site"]
    no_node = build_schema(NODES.replace("Organisation implements Node", "Organisation"))
    assert list(nodes(no_node, LOADED)) == ["Organisation has an id, and is no Node"]
    new = build_schema(f"{NODES} type Skip implements Node {{ id: ID! }}")
    assert list(nodes(new, LOADED)) == ["Skip is a Node whose prefix is not known here"]
    other_root = build_schema(NODES.replace("nodes(ids: [ID!]!): [Node]", "nodes(ids: [ID!]!): [Site]"))
    assert list(nodes(other_root, LOADED)) == ["Query.nodes does not find nodes"]


@pytest.mark.parametrize(
    "beside", ["", "organisation: String", "organisation: [Organisation]", "organisation: SiteConnection"]
)
def test_a_reference_has_an_object_beside_it(beside: str) -> None:
    assert list(RULES["references"](build_schema(NODES))) == []
    broken = build_schema(NODES.replace("organisation: Organisation", beside))
    assert list(RULES["references"](broken)) == ["Site.organisationId has no object organisation beside it"]


@pytest.mark.parametrize("beside", ["", "sites: [Site!]", "sites: Site", "site: SiteConnection"])
def test_several_references_have_a_connection_beside_them(beside: str) -> None:
    broken = build_schema(NODES.replace("sites: SiteConnection", beside))
    assert list(RULES["references"](broken)) == ["Organisation.siteIds has no connection sites beside it"]


def test_the_exceptions_of_nodes_are_needed() -> None:
    """An exception that nothing needs any more is taken out."""
    types = build_schema(SCHEMA.read_text(encoding="utf-8")).type_map
    for name in NO_NODES:
        assert "Node" not in {one.name for one in cast(GraphQLObjectType, types[name]).interfaces}, name
    for place in NO_REFERENCES:
        name, _, field = place.partition(".")
        fields = cast(GraphQLObjectType, types[name]).fields
        assert field in fields, place
        assert field.removesuffix("Id") not in fields, place


MONEY = """
    scalar Long
    type Query { price: Money import: Import }
    type Money { minor: Long! currency: String! vatRate: Int! gross: Long! }
    type Import { total: Int }
"""


@pytest.mark.parametrize(
    ("kept", "broken", "breach"),
    [
        ("gross: Long!", "gross: Int!", "Money has"),
        ("price: Money", "price: Int", "Query.price is an amount, and no Money"),
        ("import: Import", "baseFee: Long", "Query.baseFee is an amount, and no Money"),
    ],
)
def test_an_amount_is_money(kept: str, broken: str, breach: str) -> None:
    assert list(RULES["money"](build_schema(MONEY))) == []
    assert [one[: len(breach)] for one in RULES["money"](build_schema(MONEY.replace(kept, broken)))] == [breach]


COMMANDS = """
    type Query { one: Int }
    type Mutation {
      order(input: OrderInput!): OrderResult
      change(input: ChangeInput!): ChangeResult
      signOut: Int
    }
    input OrderInput { idempotencyKey: String! }
    input ChangeInput { id: ID! version: Int! }
    union OrderResult = Done | Refusal
    union ChangeResult = Done | Conflict | Refusal
    type Done { one: Int }
    type Conflict { one: Int }
    type Refusal { one: Int }
"""


@pytest.mark.parametrize(
    ("kept", "broken", "breach"),
    [
        ("idempotencyKey", "key", "Mutation.order takes no idempotencyKey"),
        ("version: Int!", "version: Int", "Mutation.change changes a thing, and takes no version"),
        ("Done | Conflict | Refusal", "Done | Refusal", "Mutation.change takes a version, and answers no Conflict"),
        ("signOut", "stop", "Mutation.stop takes no idempotencyKey"),
    ],
)
def test_a_command_may_be_repeated_and_names_a_version(kept: str, broken: str, breach: str) -> None:
    assert list(RULES["commands"](build_schema(COMMANDS))) == []
    assert list(RULES["commands"](build_schema(COMMANDS.replace(kept, broken)))) == [breach]


def test_the_exceptions_of_commands_are_needed() -> None:
    """An exception that nothing needs any more is taken out."""
    mutations = build_schema(SCHEMA.read_text(encoding="utf-8")).mutation_type
    assert mutations is not None
    assert {*REPEATED_WITHOUT_KEY, *CHANGED_WITHOUT_VERSION} <= mutations.fields.keys()


INTERFACE, OTHER = "interface OrderEvent {", "type OtherOrderEvent implements OrderEvent {"


@pytest.mark.parametrize(
    ("matter", "kept", "broken", "breach"),
    [
        ("events", INTERFACE, "type OrderEvent {", "OrderEvent is no interface"),
        ("events", OTHER, "type OtherOrderEvent {", "OtherOrderEvent is no OrderEvent"),
        ("events", "  plannedOn: Date!", "  planned: Date!", "PickupMovedEvent has no plannedOn"),
        ("events", "data: JSON!", "data: String!", "OrderEvent.data is not JSON"),
        ("events", " | PickupMovedEvent", "", "PickupMovedEvent is not in OrderEventItem"),
        ("members, too", "  orderEvents(", "  pickupEvents(", "Subscription.pickupEvents reads no operation"),
        (
            "members, too",
            "  ): OrderEventItem!",
            "    now: Int\n  ): OrderEventItem!",
            "Subscription.orderEvents takes other",
        ),
        ("members, too", " | Checkpoint | CursorExpired", "", "Subscription.orderEvents can't be answered with Cursor"),
    ],
)
def test_a_breach_by_events_is_reported(matter: str, kept: str, broken: str, breach: str) -> None:
    schema, rule = SCHEMA.read_text(encoding="utf-8"), RULES[matter]
    assert kept in schema
    assert list(rule(build_schema(schema))) == []
    changed = schema.replace(kept, broken)
    if kept == INTERFACE:
        changed = changed.replace(" implements OrderEvent {", " {")
    found = list(rule(build_schema(changed, assume_valid=True)))
    assert any(one.startswith(breach) for one in found), found


@pytest.mark.parametrize(
    ("kept", "broken", "breach"),
    [
        (
            'site: Site @cost(weight: "1")',
            'site: Site! @cost(weight: "1")',
            "Order.site asks a service, and is never null",
        ),
        ("steps: [Step!]!", "steps: [Step]!", "Order.steps may have null items"),
        ("steps: [Step!]!", "steps: [Step!]", "Order.steps asks no service, and may be a null list"),
    ],
)
def test_a_null_is_where_a_service_is_asked(kept: str, broken: str, breach: str) -> None:
    sound = """
        directive @cost(weight: String!) on FIELD_DEFINITION
        type Query { order: Order @cost(weight: "10") }
        type Order { steps: [Step!]! site: Site @cost(weight: "1") notes: [Step!] @cost(weight: "1") }
        type Step { at: String! }
        type Site { name: String! }
    """
    assert kept in sound
    assert list(RULES["nullability"](build_schema(sound))) == []
    assert list(RULES["nullability"](build_schema(sound.replace(kept, broken)))) == [breach]


OPERATIONS = """
    directive @cost(weight: String!) on FIELD_DEFINITION
    directive @listSize(assumedSize: Int) on FIELD_DEFINITION
    interface Node { id: ID! }
    interface BulkOperation implements Node {
      id: ID! state: Int total: Int done: Int succeeded: Int failed: Int startedBy: Int startedAt: Int finishedAt: Int
      badRows: Int
    }
    type Import implements BulkOperation & Node {
      id: ID! state: Int total: Int done: Int succeeded: Int failed: Int startedBy: Int startedAt: Int finishedAt: Int
      badRows: Int
    }
    type SiteConnection { one: Int }
    type Query {
      sites: SiteConnection @cost(weight: "1") @listSize(assumedSize: 50)
      old: Int @cost(weight: "1") @deprecated(reason: "Until 2027-03-01: use `sites`.")
    }
    type Mutation { cancelBulkOperation: Int @cost(weight: "1") }
    type Subscription { bulkOperation: Int @cost(weight: "1") }
"""


@pytest.mark.parametrize(
    ("matter", "kept", "broken", "breach"),
    [
        (
            "cost",
            'bulkOperation: Int @cost(weight: "1")',
            "bulkOperation: Int",
            "Subscription.bulkOperation has no @cost",
        ),
        ("cost", " @listSize(assumedSize: 50)", "", "Query.sites is a connection without @listSize"),
        ("bulk", "type Import implements BulkOperation & Node", "type Import implements Node", "Import counts what is"),
        ("bulk", "cancelBulkOperation", "cancel", "no mutation cancels a bulk operation"),
        ("bulk", "bulkOperation: Int", "progress: Int", "no subscription shows the progress"),
        ("bulk", "startedAt", "began", "BulkOperation has no startedAt"),
        ("change", "Until 2027-03-01: use", "Use", "Query.old is deprecated: its reason names no day"),
        ("change", ": use `sites`", "", "Query.old is deprecated: its reason names no day"),
    ],
)
def test_root_fields_and_bulk_operations_keep_the_conventions(matter: str, kept: str, broken: str, breach: str) -> None:
    assert list(RULES[matter](build_schema(OPERATIONS))) == []
    assert kept in OPERATIONS
    (found,) = RULES[matter](build_schema(OPERATIONS.replace(kept, broken)))
    assert found.startswith(breach)


CURSORS = '''
    type Query { bins("""Any other text is MALFORMED.""" after: String before: String): BinConnection }
    type BinConnection { edges: [BinEdge!]! pageInfo: PageInfo! }
    type BinEdge { cursor: String! }
    type PageInfo { startCursor: String endCursor: String }
    type Error { code: String! """A sentence in the caller's language.""" message: String! }
    type CursorExpired { code: String! }
'''


@pytest.mark.parametrize(
    ("matter", "kept", "broken", "breach"),
    [
        ("cursors", "after: String", "after: Int", "Query.bins(after) is no String"),
        ("cursors", "after: String", "after: String!", "Query.bins(after) is no String"),
        ("cursors", "before: String", "before: ID", "Query.bins(before) is no String"),
        ("cursors", "MALFORMED", "ignored", "Query.bins(after) does not say that any other text is MALFORMED"),
        ("cursors", "before: String", "offset: Int", "Query.bins(offset) is an offset, and no cursor"),
        ("cursors", "type BinEdge { cursor: String! }", "type BinEdge { node: Int }", "BinEdge has no cursor"),
        ("cursors", "cursor: String!", "cursor: Int!", "BinEdge.cursor is no String!"),
        ("cursors", "endCursor: String", "endCursor: ID", "PageInfo.endCursor is no String"),
        ("messages", "message: String!", "text: String!", "Error has a code, and no message: String!"),
        ("messages", "message: String!", "message: String", "Error has a code, and no message: String!"),
        (
            "messages",
            "the caller's language",
            "English",
            "Error.message does not say that it is in the caller's language",
        ),
        ("messages", "type CursorExpired", "type Expired", "Expired has a code, and no message: String!"),
    ],
)
def test_cursors_and_messages_keep_the_conventions(matter: str, kept: str, broken: str, breach: str) -> None:
    assert list(RULES[matter](build_schema(CURSORS))) == []
    assert kept in CURSORS
    assert list(RULES[matter](build_schema(CURSORS.replace(kept, broken)))) == [breach]


def test_the_exceptions_of_messages_are_needed() -> None:
    """An exception that nothing needs any more is taken out."""
    types = build_schema(SCHEMA.read_text(encoding="utf-8")).type_map
    for name in WITHOUT_MESSAGE:
        fields = cast(GraphQLObjectType, types[name]).fields
        assert "code" in fields and "message" not in fields, name
