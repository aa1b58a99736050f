"""What Strawberry puts around a resolver, left out where it does nothing.

Strawberry converts arguments into what resolvers annotate (input types, lists, optional wrappers), and goes through
field extensions. Most fields have neither input types nor extensions: their resolvers are called as they are.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

from graphql import GraphQLField, is_leaf_type, is_non_null_type
from strawberry.relay.types import GlobalID
from strawberry.types.base import StrawberryMaybe, StrawberryOptional
from strawberry.types.field import StrawberryField

DirectResolver = Callable[[Any, Any, dict[str, Any]], Any]
"""(source, StepInfo, arguments by their names in Python) -> the resolver's value."""


def argument_names(definition: GraphQLField, declared: StrawberryField) -> dict[str, str] | None:
    """The Python names of a field's arguments by those of the graph; None if values must be converted."""
    names: dict[str, str] = {}
    by_python_name = {argument.python_name: argument for argument in declared.arguments}
    if len(by_python_name) != len(definition.args):
        return None
    for (name, argument), (python_name, wanted) in zip(definition.args.items(), by_python_name.items(), strict=True):
        kind = argument.type.of_type if is_non_null_type(argument.type) else argument.type
        annotation = wanted.type
        if isinstance(annotation, StrawberryMaybe):
            return None
        if isinstance(annotation, StrawberryOptional):
            annotation = annotation.of_type
        if not is_leaf_type(kind) or isinstance(annotation, StrawberryMaybe) or annotation is GlobalID:
            return None
        names[name] = python_name
    return names


def direct_resolver(declared: StrawberryField, info_class: type, *, handlers: bool) -> DirectResolver | None:
    """The resolver of a field as it is; None if something is put around it (``handlers`` of exceptions, too).

    That of a subscription makes its stream: an event's value is the event.
    """
    resolver = declared.base_resolver
    plain = type(declared).get_result is StrawberryField.get_result
    if resolver is None or declared.extensions or handlers or declared.is_subscription or not plain:
        return None
    takes_self = resolver.self_parameter is not None
    parent, root, info_parameter = resolver.parent_parameter, resolver.root_parameter, resolver.info_parameter
    sources = [one.name for one in (parent, root) if one is not None]
    info_name = info_parameter.name if info_parameter is not None else ""
    # What `StrawberryResolver.__call__` calls; it says so itself where that is no function.
    function: Any = resolver.wrapped_func if isinstance(resolver.wrapped_func, FunctionType) else resolver

    def call(source: Any, info: Any, arguments: dict[str, Any]) -> Any:
        for name in sources:
            arguments[name] = source
        if info_name:
            arguments[info_name] = info_class(info, declared)
        return function(source, **arguments) if takes_self else function(**arguments)

    return call
