"""Resolvers without Strawberry's wrapper, for fields where the wrapper does nothing.

The wrapper converts arguments to the annotated types (input types, lists, optional values) and calls field extensions.
Most fields have neither input types nor extensions.
"""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLField, is_leaf_type, is_non_null_type
from strawberry.relay.types import GlobalID
from strawberry.types.base import StrawberryMaybe, StrawberryOptional
from strawberry.types.field import StrawberryField

from gateway.execution import compat

DirectResolver = Callable[[Any, Any, dict[str, Any]], Any]
"""(source, ResolveInfo, arguments by Python name) -> the resolver's value."""


def argument_names(definition: GraphQLField, declared: StrawberryField) -> dict[str, str] | None:
    """Return the Python names of a field's arguments by GraphQL name; None if Strawberry has to convert the values."""
    names: dict[str, str] = {}
    by_python_name = {argument.python_name: argument for argument in declared.arguments}
    if len(by_python_name) != len(definition.args):
        return None
    for (name, argument), (python_name, declared_argument) in zip(
        definition.args.items(), by_python_name.items(), strict=True
    ):
        kind = argument.type.of_type if is_non_null_type(argument.type) else argument.type
        annotation = declared_argument.type
        if isinstance(annotation, StrawberryMaybe):
            return None
        if isinstance(annotation, StrawberryOptional):
            annotation = annotation.of_type
        if not is_leaf_type(kind) or isinstance(annotation, StrawberryMaybe) or annotation is GlobalID:
            return None
        names[name] = python_name
    return names


def direct_resolver(
    declared: StrawberryField, info_class: type, *, has_exception_handlers: bool
) -> DirectResolver | None:
    """Return the resolver of a field without its wrapper; None if the wrapper does something.

    The resolver of a subscription returns the source stream; the value for an event is the event itself.
    """
    resolver = declared.base_resolver
    if resolver is None or declared.is_subscription:
        return None
    if declared.extensions or has_exception_handlers or compat.has_own_result(declared):
        return None
    takes_self = resolver.self_parameter is not None
    parent, root, info_parameter = resolver.parent_parameter, resolver.root_parameter, resolver.info_parameter
    sources = [one.name for one in (parent, root) if one is not None]
    info_name = info_parameter.name if info_parameter is not None else ""
    function = compat.resolver_function(resolver)

    def call(source: Any, info: Any, arguments: dict[str, Any]) -> Any:
        for name in sources:
            arguments[name] = source
        if info_name:
            arguments[info_name] = info_class(info, declared)
        return function(source, **arguments) if takes_self else function(**arguments)

    return call
