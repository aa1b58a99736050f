"""Whatever a text is, it is a document within its limits or errors that say why not; and that takes no time."""

import time
from typing import Any

import msgspec
import pytest
from graphql import DocumentNode, GraphQLError, get_introspection_query, parse, validate
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.execution.limits.operation_limits import MAX_REPORTED_VALUE, OperationLimits, limit_error
from gateway.execution.limits.validation import MAX_VALIDATION_ERRORS, parse_and_validate
from gateway.schema.builder import build_schema
from tests.benchmarks.contest.pages import PORTAL
from tests.unit.execution.invalid_documents import MALFORMED, TOO_LARGE

SCHEMA = build_schema()._schema
SECONDS = 2.0
"""Of CPU: five times what is wanted, for a machine that has other things to do."""


def errors_of(text: str, limits: OperationLimits) -> list[GraphQLError]:
    found = parse_and_validate(SCHEMA, text, limits)
    assert isinstance(found, list)
    assert found
    return found


def code_of(error: GraphQLError) -> Any:
    assert error.extensions is not None
    return error.extensions["code"]


@pytest.mark.parametrize(("limit", "text"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_too_much_is_refused_by_its_limit(limit: str, text: str) -> None:
    began = time.process_time()
    (error,) = errors_of(text, OperationLimits())
    assert time.process_time() - began < SECONDS
    told = error.extensions
    assert told is not None
    assert (told["code"], told["limit"]) == ("LIMIT_EXCEEDED", limit)
    assert told["allowed"] < told["value"] <= MAX_REPORTED_VALUE
    assert str(told["allowed"]) in error.message
    assert str(told["value"]) in error.message


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_wrong_is_told_in_few_words(text: str) -> None:
    began = time.process_time()
    errors = errors_of(text, OperationLimits())
    assert time.process_time() - began < SECONDS
    assert {code_of(error) for error in errors} == {"INVALID_OPERATION"}
    assert len(errors) <= MAX_VALIDATION_ERRORS + 1  # the last says that there would be more
    assert msgspec.json.encode([error.formatted for error in errors])


@given(
    st.text()
    | st.text(alphabet='{}[]()!$:=@|&."#,\\\n\ufeff aé\ud800\0-+eu0')
    | st.from_regex(r'(\{|\}|"+|\\|#|a|\n)+')
)
@example('"\\u{110000}"')
@example('{a(b:"""\\""""""')
def test_no_text_breaks_it(text: str) -> None:
    found = parse_and_validate(SCHEMA, text, OperationLimits())
    if isinstance(found, list):
        assert msgspec.json.encode([error.formatted for error in found])


@given(st.data())
def test_nothing_that_was_an_operation_breaks_it(data: st.DataObject) -> None:
    text = data.draw(
        st.sampled_from([PORTAL.text, get_introspection_query(), TOO_LARGE["root fields in a fragment"][1]])
    )
    for _ in range(data.draw(st.integers(1, 3))):
        place, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 20))
        text = text[:place] + data.draw(st.text('{}[]()$:@"#. aF0', max_size=5)) + text[place + length :]
    parse_and_validate(SCHEMA, text, OperationLimits())


@pytest.mark.parametrize(
    ("limit", "value", "text"),
    [
        ("text", 8, "{me{id}}"),
        ("tokens", 6, "{me{id}}"),
        ("tokens", 8, "{me{id}} # one\n # two"),
        ("nesting", 5, "{nodes(ids:[[[1]]]){id}}"),
        ("name", 5, "{sites{edges{node{id}}}} # comments are none, 12345"),
        ("name", 7, '{me{id(a:1234.5e, b:"123456789")}}'),
        ("depth", 4, "{...{...A}} fragment A on Query {sites{edges{node{id}}}}"),
        ("fields", 5, "{a:me{...A} b:me{...A} __typename} fragment A on Me{id}"),
        ("aliases", 3, "{a:me{...A} me{...A}} fragment A on Me{a:id}"),
        ("directives", 5, "query($a:Int @b) @a {...A @c ...A} fragment A on Query{...@d{me{id}}}"),
        ("root_fields", 3, "{me{id} ...A} fragment A on Query{me{id} ...{me{id}}}"),
    ],
)
def test_what_is_just_within_a_limit_is_taken(limit: str, value: int, text: str) -> None:
    open_ = OperationLimits()
    just = msgspec.structs.replace(open_, **{limit: value})
    assert all(code_of(error) == "INVALID_OPERATION" for error in _errors(parse_and_validate(SCHEMA, text, just)))
    less = msgspec.structs.replace(open_, **{limit: value - 1})
    (error,) = errors_of(text, less)
    assert error.extensions is not None
    assert (error.extensions["allowed"], error.extensions["value"]) == (value - 1, value)


def _errors(found: DocumentNode | list[GraphQLError]) -> list[GraphQLError]:
    return found if isinstance(found, list) else []


def test_the_limits_leave_room_over_what_clients_send() -> None:
    introspection = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    tight = OperationLimits(
        text=25_000, tokens=500, nesting=25, name=30, depth=16, fields=250, aliases=0, directives=0, root_fields=1
    )
    for text in (PORTAL.text, introspection):
        assert isinstance(parse_and_validate(SCHEMA, text, tight), DocumentNode)


def test_errors_are_those_of_graphql_core() -> None:
    text = "{ me { idd } sites(frst: 1) { totalCount { a } } }"
    errors = errors_of(text, OperationLimits())
    expected = validate(SCHEMA, parse(text))
    assert [(one.message, one.locations) for one in errors] == [(one.message, one.locations) for one in expected]
    (syntax,) = errors_of("{ me { ", OperationLimits())
    assert syntax.locations == [(1, 8)]


def test_every_limit_is_told_in_words() -> None:
    for limit in OperationLimits.__struct_fields__:
        error = limit_error(OperationLimits(), limit, 10**30)
        assert error is not None
        assert error.extensions is not None
        assert error.extensions["value"] == MAX_REPORTED_VALUE
        assert limit_error(OperationLimits(), limit, getattr(OperationLimits(), limit)) is None
