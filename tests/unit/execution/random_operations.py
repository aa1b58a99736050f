"""Random operations for any schema: aliases, fragments, directives, arguments, variables with defaults."""

import json
import random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_leaf_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
)

LITERALS = {
    "Int": ["0", "3", "-7", "2147483647"],
    "Float": ["1.5", "-2", "1e3"],
    "String": ['"a"', '""', '"\\u00e4"', '"""block"""'],
    "ID": ['"t1"', "7"],
    "Boolean": ["true", "false"],
    "Date": ['"2026-03-30"'],
    "Long": ["0", "9007199254740991", "-1"],
    "EmailAddress": ['"aino@example.fi"'],
    "PhoneNumber": ['"+358401234567"'],
    "DateTime": ['"2026-03-30T10:00:00Z"'],
}


class RandomOperation:
    """A random operation, with its text and its variables."""

    def __init__(self, schema: GraphQLSchema, seed: int, root: str = "query") -> None:
        self._schema = schema
        self._dice = random.Random(seed)
        self._fragments: list[str] = []
        self._declared: dict[str, str] = {}
        self._left = self._dice.randint(2, 14)
        self.variables: dict[str, Any] = {}
        kind = schema.query_type if root == "query" else schema.mutation_type
        body = self._selection(kind, 0)
        declared = ", ".join(f"${name}: {text}" for name, text in self._declared.items())
        self.text = "\n".join([f"{root} Asked{f'({declared})' if declared else ''} {body}", *self._fragments])

    def _selection(self, kind: Any, depth: int) -> str:
        chosen = [self._field(kind, depth) for _ in range(self._dice.randint(1, 4))]
        if self._dice.random() < 0.25:
            chosen.append(self._spread(kind, depth))
        if self._dice.random() < 0.2:
            chosen.append("__typename" + self._directives())
        shown = [one for one in chosen if one] or ["__typename"]
        return "{ " + " ".join(shown) + " }"

    def _spread(self, kind: Any, depth: int) -> str:
        targets = [kind]
        if is_abstract_type(kind):
            targets += self._schema.get_possible_types(kind)
        elif is_object_type(kind):
            targets += kind.interfaces
        target = self._dice.choice(targets)
        body = self._selection(target, depth + 1)
        if self._dice.random() < 0.5:
            return f"... on {target.name}{self._directives()} {body}"
        name = f"F{len(self._fragments)}"
        self._fragments.append(f"fragment {name} on {target.name} {body}")
        return " ".join([f"...{name}{self._directives()}"] * self._dice.randint(1, 2))

    def _field(self, kind: Any, depth: int) -> str:
        fields = getattr(kind, "fields", None)
        if not fields:
            return self._spread(kind, depth)
        name, field = self._dice.choice(list(fields.items()))
        named = get_named_type(field.type)
        if is_composite_type(named) and (depth > 4 or self._left <= 0):
            leaves = [one for one in fields.items() if is_leaf_type(get_named_type(one[1].type))]
            if not leaves:
                return "__typename"
            name, field = self._dice.choice(leaves)
            named = get_named_type(field.type)
        self._left -= 1
        arguments = self._arguments(field.args)
        # The alias depends on the field and its arguments: fields with one alias can be merged.
        meaning = f"{name}{arguments}{field.type}"
        alias = f"a{abs(hash(meaning)) % 10**9}: " if arguments or self._dice.random() < 0.2 else ""
        body = f" {self._selection(named, depth + 1)}" if is_composite_type(named) else ""
        return f"{alias}{name}{arguments}{self._directives()}{body}"

    def _directives(self) -> str:
        if self._dice.random() > 0.12:
            return ""
        name = self._dice.choice(["skip", "include"])
        on = self._dice.choice(["true", "false", "variable"])
        if on == "variable":
            on = self._variable("Boolean!", self._dice.choice([True, False]))
        return f" @{name}(if: {on})"

    def _variable(self, kind: str, value: Any, *, default: str = "") -> str:
        name = f"v{len(self._declared)}"
        self._declared[name] = f"{kind}{default}"
        if value is not ...:
            self.variables[name] = value
        return f"${name}"

    def _arguments(self, arguments: dict[str, Any]) -> str:
        given = []
        for name, argument in arguments.items():
            if is_required_argument(argument) or self._dice.random() < 0.5:
                given.append(f"{name}: {self._value(argument.type, argument.default_value is not None, True)}")
        return f"({', '.join(given)})" if given else ""

    def _value(self, kind: Any, _: bool = False, variable: bool = False) -> str:
        if variable and self._dice.random() < 0.4:
            literal = self._literal(kind)
            value = _as_json(literal)
            if value is not ...:
                return self._variable(str(kind), value, default=self._dice.choice(["", f" = {literal}"]))
        return self._literal(kind)

    def _literal(self, kind: Any) -> str:
        if isinstance(kind, GraphQLNonNull):
            return self._given(kind.of_type)
        return "null" if self._dice.random() < 0.1 else self._given(kind)

    def _given(self, kind: Any) -> str:
        if isinstance(kind, GraphQLList):
            return "[" + ", ".join(self._literal(kind.of_type) for _ in range(self._dice.randint(0, 3))) + "]"
        if isinstance(kind, GraphQLEnumType):
            return str(self._dice.choice(list(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            if kind.is_one_of or kind.extensions["strawberry-definition"].is_one_of:
                name = self._dice.choice(list(kind.fields))
                return f"{{{name}: {self._given(get_named_type(kind.fields[name].type))}}}"
            shown = [
                f"{name}: {self._literal(one.type)}"
                for name, one in kind.fields.items()
                if is_required_input_field(one) or self._dice.random() < 0.5
            ]
            return "{" + ", ".join(shown) + "}"
        return self._dice.choice(LITERALS[kind.name])


def _as_json(literal: str) -> Any:
    """Return the value of a literal that is JSON, too; `...` for others."""
    try:
        return json.loads(literal)
    except ValueError:
        return ...
