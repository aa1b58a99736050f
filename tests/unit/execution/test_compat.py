"""Assumptions about internals of Strawberry and graphql-core: a failure names the assumption that an upgrade broke."""

import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import strawberry
from graphql import (
    GraphQLError,
    GraphQLInt,
    GraphQLUnionType,
    OperationDefinitionNode,
    Undefined,
    build_schema,
    parse,
    validate,
)
from graphql.execution import Executor, VariableValues, get_variable_values
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.execution import compat


class Shouting(strawberry.types.field.StrawberryField):
    """A field class that overrides ``get_result``."""

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        return str(super().get_result(source, info, args, kwargs)).upper()


@strawberry.input
class Point:
    x: int


@strawberry.type
class Query:
    plain: int = 1

    @strawberry.field
    def resolved(self, info: strawberry.Info, point: Point | None = None) -> str:
        return compat.raw_info(info).field_name  # type: ignore[no-any-return]


@strawberry.type
class Refusal:
    reason: str


@strawberry.type
class Accepted:
    text: str


@strawberry.type
class Refusing:
    @strawberry.field
    def refuse(self) -> Accepted | Refusal:
        raise ValueError("no")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self) -> AsyncIterator[int]:
        yield 1


STRAWBERRY = strawberry.Schema(Query, subscription=Subscription)
SCHEMA = STRAWBERRY._schema
UNION = build_schema("type A { a: Int } type B { b: Int } union U = A type Query { u: U b: B }")


def query_field(name: str) -> Any:
    assert SCHEMA.query_type is not None
    return SCHEMA.query_type.fields[name]


def declared(name: str) -> Any:
    return query_field(name).extensions[compat.strawberry_definition]


def operation(text: str) -> OperationDefinitionNode:
    (node,) = parse(text).definitions
    assert isinstance(node, OperationDefinitionNode)
    return node


def test_variable_signature() -> None:
    (definition,) = operation("query ($v: Int = 3) { plain }").variable_definitions or ()
    signature = compat.get_variable_signature(SCHEMA, definition)
    assert not isinstance(signature, GraphQLError), "get_variable_signature accepts a definition of an input type"
    assert (signature.name, signature.type) == ("v", GraphQLInt), "a signature has a name and a type"
    assert compat.coerce_default_value(signature) == 3, "coerce_default_value takes a signature"


def test_variable_value_source() -> None:
    definitions = operation("query ($v: Int) { plain }").variable_definitions or ()
    signature = compat.get_variable_signature(SCHEMA, definitions[0])
    assert not isinstance(signature, GraphQLError)
    given = get_variable_values(SCHEMA, definitions, {"v": 1})
    assert isinstance(given, VariableValues), "get_variable_values returns VariableValues"
    assert given.sources == {"v": compat.VariableValueSource(signature, 1)}, "a source is (signature, value)"
    assert given == VariableValues(given.sources, {"v": 1}), "VariableValues is (sources, coerced)"
    assert compat.VariableValueSource(signature).value is Undefined, "the value of a default's source is Undefined"


def test_input_nested_too_deeply() -> None:
    kind: Any = build_schema("input P { next: P } type Query { a(p: P): Int }").type_map["P"]
    deep: Any = {}
    for _ in range(10_000):
        deep = {"next": deep}
    assert compat.input_is_nested_too_deeply(deep, kind), "deep input is detected without recursion"
    assert not compat.input_is_nested_too_deeply({"next": {}}, kind), "ordinary input is not nested too deeply"


def test_default_of_an_argument() -> None:
    root = build_schema("type Query { a(n: [Int] = [1, 2], m: Int): Int }").query_type
    assert root is not None
    arguments = root.fields["a"].args
    assert compat.coerce_default_value(arguments["n"]) == [1, 2], "coerce_default_value takes an argument"
    assert compat.coerce_default_value(arguments["m"]) is Undefined, "without a default it returns Undefined"


def test_convert_arguments() -> None:
    converter = compat.converter_of(SCHEMA)
    arguments = declared("resolved").arguments
    converted = compat.convert_arguments(
        {"point": {"x": 1}}, arguments, converter.scalar_registry, converter.config, None
    )
    assert converted == {"point": Point(x=1)}, "convert_arguments makes instances of input classes, by Python name"


def test_graphql_schema_and_back() -> None:
    assert compat.graphql_schema(STRAWBERRY) is SCHEMA
    assert compat.strawberry_schema(SCHEMA) is STRAWBERRY, "a graphql-core schema refers to its Strawberry schema"


def test_converter() -> None:
    converter = compat.converter_of(SCHEMA)
    assert isinstance(converter, GraphQLCoreConverter), "a Strawberry schema has its converter"
    assert converter.config is STRAWBERRY.config, "the converter has the schema's configuration"
    assert issubclass(converter.config.info_class, strawberry.Info), "the configuration has the class of infos"


async def test_exception_handlers() -> None:
    class Handler(strawberry.ExceptionHandler[ValueError, Refusal]):
        def handle(self, exception: ValueError, **_: Any) -> Refusal:
            return Refusal(reason=str(exception))

    assert STRAWBERRY.exception_handlers == (), "without handlers no resolver is wrapped"
    schema = strawberry.Schema(Refusing, exception_handlers=[Handler()])
    assert len(schema.exception_handlers) == 1, "a schema has its handlers"
    result = await schema.execute("{ refuse { ... on Refusal { reason } } }")
    assert result.data == {"refuse": {"reason": "no"}}, "a resolver with a handler is wrapped"


async def test_raw_info() -> None:
    result = await STRAWBERRY.execute("{ resolved }", root_value=Query())
    assert result.data == {"resolved": "resolved"}, "an Info has graphql-core's info"


def test_info_class_takes_any_raw_info() -> None:
    raw = object()
    info = compat.converter_of(SCHEMA).config.info_class(raw, declared("resolved"))  # type: ignore[arg-type]
    assert compat.raw_info(info) is raw, "an Info is made of (raw info, field)"


def test_declarations_in_extensions() -> None:
    assert isinstance(declared("plain"), strawberry.types.field.StrawberryField), "fields have their declaration"
    assert SCHEMA.query_type is not None
    assert SCHEMA.query_type.extensions[compat.strawberry_definition].origin is Query, "types have their declaration"
    argument = query_field("resolved").args["point"].extensions[compat.strawberry_definition]
    assert argument.python_name == "point", "arguments have their declaration"


def test_resolvers_that_read_an_attribute() -> None:
    assert compat.reads_attribute(query_field("plain").resolve), "a basic field's resolver is marked"
    assert not compat.reads_attribute(query_field("resolved").resolve), "another field's resolver is not"
    assert query_field("plain").resolve(Query(plain=7), None) == 7, "the resolver takes (source, info)"


def test_overridden_result() -> None:
    assert not compat.has_own_result(declared("resolved"))
    assert compat.has_own_result(Shouting()), "an override of get_result is detected on the class"
    assert "get_result(" in inspect.getsource(GraphQLCoreConverter.from_resolver), "resolvers go through get_result"


def test_resolver_function() -> None:
    resolver = declared("resolved").base_resolver
    function = compat.resolver_function(resolver)
    assert inspect.isfunction(function), "wrapped_func is the function"
    assert function.__name__ == "resolved"
    assert "self.wrapped_func(*args, **kwargs)" in inspect.getsource(type(resolver).__call__), "__call__ adds nothing"
    assert resolver.self_parameter.name == "self", "a resolver knows its parameter for the parent"
    assert resolver.info_parameter.name == "info", "a resolver knows its parameter for the info"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, "Abstract type 'U' must resolve to an Object type at runtime for field 'Query.u'"),
        ("None", "Abstract type 'U' was resolved to a type 'None' that does not exist inside the schema."),
        ("B", "Runtime Object type 'B' is not a possible type for 'U'."),
    ],
)
def test_invalid_runtime_type(name: str | None, message: str) -> None:
    union: Any = UNION.type_map["U"]
    assert isinstance(union, GraphQLUnionType)

    class Info:
        parent_type = UNION.query_type
        field_name = "u"

    (node,) = operation("{ u { __typename } }").selection_set.selections
    with pytest.raises(GraphQLError) as raised:
        compat.raise_invalid_runtime_type(UNION, name, union, [node], Info, object())  # type: ignore[list-item]
    assert raised.value.message.startswith(message), "ensure_valid_runtime_type needs nothing but the schema"


def test_merge_budget() -> None:
    before = overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET
    document = parse("{ " + " ".join(f"plain x{number}: plain" for number in range(30)) + " }")
    assert not validate(SCHEMA, document), "the rule accepts fields that can be merged"
    try:
        compat.set_merge_budget(10)
        assert validate(SCHEMA, document), "the rule reads MAX_COMPLEXITY_BUDGET at each validation"
    finally:
        compat.set_merge_budget(before)


PARAMETERS: list[tuple[Callable[..., Any], list[str]]] = [
    (Executor.build_per_event_executor, ["self", "payload"]),
    (Executor.execute_operation, ["self", "serially"]),
    (strawberry.Schema._get_execute_function, ["self"]),
]


@pytest.mark.parametrize(("method", "parameters"), PARAMETERS, ids=[method.__qualname__ for method, _ in PARAMETERS])
def test_overridden_methods(method: Callable[..., Any], parameters: list[str]) -> None:
    assert list(inspect.signature(method).parameters) == parameters, "the executor overrides it with these parameters"


async def test_executor_class_of_subscriptions() -> None:
    payloads: list[Any] = []

    class Recording(compat.StrawberryExecutor):
        def build_per_event_executor(self, payload: Any) -> Any:
            payloads.append(payload)
            executor = super().build_per_event_executor(payload)
            assert isinstance(executor, Recording), "the executor of an event is of the same class"
            return executor

    schema = strawberry.Schema(Query, subscription=Subscription, execution_context_class=Recording)
    stream: Any = await schema.subscribe("subscription { count }")
    assert [result.data async for result in stream] == [{"count": 1}]
    assert payloads == [1], "build_per_event_executor is called for each event"


async def test_execute_function() -> None:
    calls: list[dict[str, Any]] = []

    class Recording(strawberry.Schema):
        def _get_execute_function(self) -> Any:
            execute = super()._get_execute_function()

            def record(*args: Any, **named: Any) -> Any:
                calls.append(named)
                return execute(*args, **named)

            return record

    result = await Recording(Query).execute("{ plain }", root_value=Query())
    assert result.data == {"plain": 1}
    assert len(calls) == 1, "operations are executed by the function of _get_execute_function"
