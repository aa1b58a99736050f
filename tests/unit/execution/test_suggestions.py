"""Messages without graphql-core's suggestions, which reveal names of the schema."""

import re
from pathlib import Path

import graphql
import pytest
from graphql import GraphQLError, OperationDefinitionNode, build_schema, parse, validate
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution.limits.suggestions import without_suggestions

SCHEMA = build_schema("""
    directive @limited(secretly: Int) on FIELD
    enum Color { SECRET_RED SECRET_GREEN SECRETGRAY }
    input Point { secretX: Int secretY: Int color: Color }
    interface Thing { id: ID }
    type Secret implements Thing { id: ID secretName: String secretNumber: Int secretNames: [String] }
    type Secrets implements Thing { id: ID secretName: String }
    type Query { thing: Thing secret(secretly: Int, point: Point, color: Color): Secret colors(of: [Color]): Int }
""")
TEXTS = [
    "{ secret { secretNam } }",
    "{ secret { secretNamber secretNumbe secretNamess } }",
    "{ thing { secretName } }",
    "{ thing { secretNumber } }",
    "{ secrt { id } }",
    "{ secret(secretl: 1) { id } }",
    "{ secret { id @limited(secretle: 1) } }",
    "{ thing { ... on Secre { id } } }",
    "query ($a: Colr) { secret(color: $a) { id } }",
    "{ secret(color: SECRET_RD) { id } }",
    "{ secret(color: SECRETGREY) { id } }",
    '{ secret(color: "SECRET_RED") { id } }',
    "{ colors(of: [SECRET_RD, SECRET_GREE]) }",
    "{ secret(point: {secretZ: 1}) { id } }",
    "{ secret(point: {color: SECRET_GRE}) { id } }",
    "query ($a: Color = SECRET_RD) { secret(color: $a) { id } }",
]


def _plain_wording(message: str) -> str:
    """Return the message as graphql-core words it without a suggestion: as one sentence."""
    return message.replace(", found: ", ". Found: ")


@pytest.mark.parametrize("text", TEXTS)
def test_suggestions_of_validation(text: str) -> None:
    document = parse(text)
    shown = [error.message for error in validate(SCHEMA, document)]
    assert any("Did you mean" in message for message in shown), "the text has no suggestion"
    hidden = [error.message for error in validate(SCHEMA, document, hide_suggestions=True)]
    assert [without_suggestions(message) for message in shown] == [_plain_wording(message) for message in hidden]


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("Color", "SECRET_RD"),
        ("[Color]", ["SECRET_RED", "SECRET_GREE"]),
        ("Point", {"secretZ": 1}),
        ("Point", {"color": "secret_red"}),
    ],
)
def test_suggestions_of_variables(declared: str, value: object) -> None:
    (node,) = parse(f"query ($a: {declared}) {{ secret {{ id }} }}").definitions
    assert isinstance(node, OperationDefinitionNode)
    definitions = node.variable_definitions or ()
    shown = get_variable_values(SCHEMA, definitions, {"a": value})
    hidden = get_variable_values(SCHEMA, definitions, {"a": value}, hide_suggestions=True)
    assert isinstance(shown, list)
    assert isinstance(hidden, list)
    assert any("Did you mean" in error.message for error in shown)
    assert [without_suggestions(error.message) for error in shown] == [
        _plain_wording(error.message) for error in hidden
    ]


def test_suggestions_of_arguments_in_execution() -> None:
    (node,) = parse("{ secret(color: SECRET_RD) { id } }").definitions
    assert isinstance(node, OperationDefinitionNode)
    assert SCHEMA.query_type is not None
    (field,) = node.selection_set.selections
    with pytest.raises(GraphQLError) as raised:
        get_argument_values(SCHEMA.query_type.fields["secret"], field, VariableValues({}, {}))  # type: ignore[arg-type]
    assert "SECRET_RED" in raised.value.message
    assert "SECRET_RED" not in without_suggestions(raised.value.message)


def test_there_are_no_other_suggestions() -> None:
    """Each use of suggestions in graphql-core is among the texts above; a new one fails here."""
    root = Path(graphql.__file__).parent
    places = {
        str(file.relative_to(root)): len(
            re.findall(r"(?<!def )did_you_mean(?:_enum_value)?\(", file.read_text("utf-8"))
        )
        for file in root.rglob("*.py")
    }
    assert {name: count for name, count in places.items() if count} == {
        "type/definition.py": 5,
        "utilities/validate_input_value.py": 2,
        "validation/rules/fields_on_correct_type.py": 2,
        "validation/rules/known_argument_names.py": 3,
        "validation/rules/known_type_names.py": 1,
        "validation/rules/possible_type_extensions.py": 1,  # of schemas, not of operations
    }


@given(st.text() | st.text(alphabet=" Did you mean'ab,or?"))
def test_other_text_is_kept(message: str) -> None:
    assert without_suggestions(message) == message
    assert without_suggestions(f"{message} Did you mean 'a'?") == message
