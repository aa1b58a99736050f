"""Any text is a valid document within the limits, or is rejected with its errors, in bounded time."""

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
"""CPU time: five times the target, for a busy machine."""


def rejection(text: str, limits: OperationLimits) -> list[GraphQLError]:
    document = parse_and_validate(SCHEMA, text, limits)
    assert isinstance(document, list)
    assert document
    return document


def code_of(error: GraphQLError) -> Any:
    assert error.extensions is not None
    return error.extensions["code"]


@pytest.mark.parametrize(("limit", "text"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_texts_over_a_limit_are_rejected(limit: str, text: str) -> None:
    began = time.process_time()
    (error,) = rejection(text, OperationLimits())
    assert time.process_time() - began < SECONDS
    extensions = error.extensions
    assert extensions is not None
    assert (extensions["code"], extensions["limit"]) == ("LIMIT_EXCEEDED", limit)
    assert extensions["allowed"] < extensions["value"] <= MAX_REPORTED_VALUE
    assert str(extensions["allowed"]) in error.message
    assert str(extensions["value"]) in error.message


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_invalid_texts_have_a_bounded_number_of_errors(text: str) -> None:
    began = time.process_time()
    errors = rejection(text, OperationLimits())
    assert time.process_time() - began < SECONDS
    assert {code_of(error) for error in errors} == {"INVALID_OPERATION"}
    assert len(errors) <= MAX_VALIDATION_ERRORS + 1  # the last one says that validation stopped
    assert msgspec.json.encode([error.formatted for error in errors])


@given(
    st.text()
    | st.text(alphabet='{}[]()!$:=@|&."#,\\\n\ufeff aé\ud800\0-+eu0')
    | st.from_regex(r'(\{|\}|"+|\\|#|a|\n)+')
)
@example('"\\u{110000}"')
@example('{a(b:"""\\""""""')
def test_random_text(text: str) -> None:
    document = parse_and_validate(SCHEMA, text, OperationLimits())
    if isinstance(document, list):
        assert msgspec.json.encode([error.formatted for error in document])


@given(st.data())
def test_mutated_operations(data: st.DataObject) -> None:
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
def test_limits_are_inclusive(limit: str, value: int, text: str) -> None:
    open_ = OperationLimits()
    just = msgspec.structs.replace(open_, **{limit: value})
    assert all(code_of(error) == "INVALID_OPERATION" for error in _errors(parse_and_validate(SCHEMA, text, just)))
    less = msgspec.structs.replace(open_, **{limit: value - 1})
    (error,) = rejection(text, less)
    assert error.extensions is not None
    assert (error.extensions["allowed"], error.extensions["value"]) == (value - 1, value)


def _errors(document: DocumentNode | list[GraphQLError]) -> list[GraphQLError]:
    return document if isinstance(document, list) else []


def test_limits_allow_twice_the_operations_of_clients() -> None:
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
    errors = rejection(text, OperationLimits())
    expected = validate(SCHEMA, parse(text))
    assert [(one.message, one.locations) for one in errors] == [(one.message, one.locations) for one in expected]
    (syntax,) = rejection("{ me { ", OperationLimits())
    assert syntax.locations == [(1, 8)]


def test_every_limit_has_a_message() -> None:
    for limit in OperationLimits.__struct_fields__:
        error = limit_error(OperationLimits(), limit, 10**30)
        assert error is not None
        assert error.extensions is not None
        assert error.extensions["value"] == MAX_REPORTED_VALUE
        assert limit_error(OperationLimits(), limit, getattr(OperationLimits(), limit)) is None
