"""Error messages quote at most 200 characters of the input."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLError, parse
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MAX_ECHO_LENGTH, InvalidOperation, present_error
from gateway.execution.documents import DocumentOperation
from gateway.execution.limits.operation_limits import OperationLimits
from gateway.schema.builder import build_schema
from services.contracts.identity.people import Language
from tests.unit.execution.schemas.literal import SCHEMA as WRITTEN
from tests.unit.execution.schemas.literal import it

LONG = "ж" * 3_000
WORDS = "ж " * 1_500
NAME = "zz" * 100
"""The longest name."""
ENGINE = build_schema().engine

TEXTS = {
    "a field": f"{{ {NAME} }}",
    "a field of a field": f"{{ me {{ {NAME} }} }}",
    "an alias": f"{{ {NAME}: me {{ id }} {NAME}: sites(first: 1) {{ totalCount }} }}",
    "an alias of a leaf with parts": f"{{ me {{ id {{ {NAME} }} }} }}",
    "an argument": f"{{ sites({NAME}: 1) {{ totalCount }} }}",
    "arguments that differ": f'{{ a: node(id: "{LONG}") {{ id }} a: node(id: "{WORDS}") {{ id }} }}',
    "a directive": f"{{ me @{NAME} {{ id }} }}",
    "a type": f"query ($a: {NAME}) {{ me {{ id }} }}",
    "lists of a type": f"query ($a: {'[' * 40}{NAME}{']' * 40}) {{ me {{ id }} }}",
    "a fragment": f"{{ ...{NAME} }}",
    "an unused fragment": f"{{ me {{ id }} }} fragment {NAME} on Me {{ id }}",
    "fragments in a circle": "{ ...F0 } "
    + " ".join(f"fragment F{n} on Query {{ ...F{(n + 1) % 90} }}" for n in range(90)),
    "an operation, twice": f"query {NAME} {{ me {{ id }} }} query {NAME} {{ me {{ id }} }}",
    "an operation's variable": f"query {NAME} {{ sites(first: ${NAME}) {{ totalCount }} }}",
    "a variable of the wrong type": f"query (${NAME}: String) {{ sites(first: ${NAME}) {{ totalCount }} }}",
    "a text for a number": f'{{ sites(first: "{LONG}") {{ totalCount }} }}',
    "words for a number": f'{{ sites(first: "{WORDS}") {{ totalCount }} }}',
    "a block of text for a number": f'{{ sites(first: """{WORDS}""") {{ totalCount }} }}',
    "a long number": f"{{ sites(first: {'7' * 200}) {{ totalCount }} }}",
    "a long number for a scalar": f"mutation {{ reportPickups(input: {{reports: [{{grams: {'7' * 200}}}]}}) {{a}} }}",
    "a list for a number": "{ sites(first: [" + '"ж", ' * 300 + "]) { totalCount } }",
    "an object for a number": f'{{ sites(first: {{a: "{LONG}"}}) {{ totalCount }} }}',
    "a name for an enum": f"{{ sites(first: 1, order: {NAME}) {{ totalCount }} }}",
    "a text for an enum": f'{{ sites(first: 1, order: "{WORDS}") {{ totalCount }} }}',
    "a text for a day": f'{{ volumes(since: "{WORDS}", until: "{LONG}") {{ __typename }} }}',
    "a field of an input": f'mutation {{ reportPickups(input: {{{NAME}: "{LONG}"}}) {{ __typename }} }}',
    "what an input lacks": f'mutation {{ reportPickups(input: {{reports: [{{at: "{WORDS}"}}]}}) {{ id }} }}',
    "no grammar": f'{{ me "{WORDS}" }}',
    "no grammar, in one word": f'{{ me "{LONG}" }}',
    "no grammar, a name": f"{{ me }} {NAME}",
    "an escape that is none": '{ me(a: "\\u{' + "7" * 199 + '}") }',
}
"""Invalid operations with long parts."""

VALUES: dict[str, tuple[str, Any]] = {
    "a text for a number": ("Int", LONG),
    "words for a number": ("Int", WORDS),
    "a large number": ("Int", 10**1000),
    "texts for a number": ("Int", [WORDS] * 100),
    "a text for a boolean": ("Boolean", WORDS),
    "a list for an id": ("ID", [[WORDS] * 100] * 100),
    "an object for a text": ("String", {WORDS + str(n): {LONG: WORDS} for n in range(50)}),
    "a text for an enum": ("SiteOrderField", WORDS),
    "a text like one of an enum": ("SiteOrderField", "ADDRES"),
    "a text for a day": ("Date", WORDS),
    "a text for an instant": ("DateTime", LONG),
    "a text for a Long": ("Long", WORDS),
    "a list for a Long": ("Long", [WORDS] * 100),
    "a text for an input": ("ReportPickupsInput", WORDS),
    "a field of an input": ("ReportPickupsInput", {"reports": [], WORDS: 1}),
    "a field of an input, in one word": ("ReportPickupsInput", {"reports": [], LONG: LONG}),
    "many fields of an input": ("ReportPickupsInput", {WORDS + str(n): n for n in range(100)}),
    "what an input lacks": ("ReportPickupsInput", {"reports": [{"reason": WORDS}]}),
    "null": ("[ID!]", [None, WORDS]),
    "a name": (f"Int = 1, ${NAME}: Int", "x"),
}
"""Invalid long values of variables, with their types."""


def messages(errors: list[GraphQLError]) -> Iterator[str]:
    """The messages of errors, with suggestions and without."""
    assert errors
    for suggest in (True, False):
        for one in InvalidOperation(errors, suggest=suggest).formatted_errors(Language.EN):
            yield one["message"]


def check_short(message: str) -> None:
    """Fail if a message quotes more of the input than is allowed, in one word or several."""
    for echo in re.findall(r"""(?:ж[\s"'…]*)+|(?:z+)|7+""", message):
        assert len(echo) <= MAX_ECHO_LENGTH, message
    assert message.count("ж") <= MAX_ECHO_LENGTH, message
    assert len(message) <= MAX_ECHO_LENGTH + 30, message


@pytest.mark.parametrize("name", TEXTS)
def test_invalid_documents(name: str) -> None:
    errors = ENGINE.parse_and_validate(TEXTS[name], OperationLimits())
    assert isinstance(errors, list)
    for message in messages(errors):
        assert "LIMIT" not in message
        check_short(message)


def operation_with_variable(kind: str) -> DocumentOperation:
    """An operation with a variable of this type, not validated for its use."""
    document = ENGINE.documents.get_or_add(parse(f"query ($v: {kind}) {{ __typename }}"))
    operation = document.operation(None)
    assert operation is not None
    return DocumentOperation(document, operation)


@pytest.mark.parametrize("name", VALUES)
def test_invalid_variables(name: str) -> None:
    kind, value = VALUES[name]
    errors = ENGINE.coerce_variables(operation_with_variable(kind), {"v": value, NAME: WORDS})
    assert isinstance(errors, list)
    for message in messages(errors):
        check_short(message)


@given(st.sampled_from([kind for kind, _ in VALUES.values()]), st.sampled_from([value for _, value in VALUES.values()]))
def test_any_value_of_any_type(kind: str, value: Any) -> None:
    errors = ENGINE.coerce_variables(operation_with_variable(kind), {"v": value})
    for message in messages(errors) if isinstance(errors, list) else ():
        check_short(message)


@pytest.mark.parametrize("value", [LONG, WORDS, [WORDS] * 100, {"a": [LONG]}])
async def test_a_value_that_is_invalid_during_execution(value: Any) -> None:
    result = await WRITTEN.execute("{ it { number color } }", root_value=it(number=value, color=value))
    errors = result.errors or []
    assert len(errors) == 2
    for error in errors:
        check_short(present_error(error, Language.EN).message)


def test_a_short_message_is_complete() -> None:
    errors = ENGINE.parse_and_validate("{ me { emial } sits { totalCount } }", OperationLimits())
    assert isinstance(errors, list)
    formatted = [one["message"] for one in InvalidOperation(errors, suggest=True).formatted_errors(Language.EN)]
    assert formatted == [error.message for error in errors]


def test_suggestions_are_removed_before_a_message_is_shortened() -> None:
    """A shortened suggestion would not be recognised."""
    error = GraphQLError(f"Cannot query field '{'z' * 150}' on type 'Query'. Did you mean 'secret'?")
    (formatted,) = InvalidOperation([error], suggest=False).formatted_errors(Language.EN)
    assert "secret" not in formatted["message"]
