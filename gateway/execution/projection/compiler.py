"""Selection push-down: a service's answer is decoded straight into what was selected of it, and encoded again as it is.

For a step whose value comes as JSON a msgspec Struct is made for each object, from the selection and from the type that
the contract declares: its fields are the selected ones, in the order of the answer. Decoding checks their types; there
is nothing left to complete. Joined fields are set on the structs later. What a join needs of its parent and nobody
selected is decoded, too, and left out of the answer in the end.

A service may be told the selection, and send just that (see ``rpc.field_selection``). Of what it has picked,
and checked, nothing has to be looked into but for joins: the rest is passed on as it came.

It is done where the JSON is what GraphQL would make of it: the same names, enums by their names, scalars that look the
same. Wherever that is not so, the answer is decoded as it is declared, and completed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Union

import msgspec
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLString,
    is_abstract_type,
)
from msgspec import Meta, Raw
from msgspec import inspect as declared

from gateway.execution.completion.compiler import CHECKS_CLASS_ONLY
from gateway.execution.planning.plan import Field, FieldKind, ObjectSelection, Projection, item_type, unwrap_non_null
from gateway.execution.projection.shape import CodeLines, ObjectShape, ValueShape

PassthroughScalars = Mapping[str, Any]
"""By the name of a GraphQL scalar: the type to decode it as, where its JSON is the same on both sides."""

TYPENAME = "__typename"

_BUILT_IN_SCALARS: dict[GraphQLScalarType, tuple[declared.Type, Any]] = {
    GraphQLString: (declared.StrType(), str),
    GraphQLID: (declared.StrType(), str),
    GraphQLInt: (declared.IntType(), Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]),
    GraphQLBoolean: (declared.BoolType(), bool),
    GraphQLFloat: (declared.FloatType(), float),
}
_JOIN_KEY_TYPES: dict[type[declared.Type], Any] = {declared.StrType: str, declared.IntType: int}
"""What a join may need of its parent."""


def projection_for(step: Field, kind: Any, scalars: PassthroughScalars) -> Projection | str:
    """How a step's JSON of a declared type is read; or, in words, why it can't be. It is remembered with the step."""
    # The same type nearly always: to look it up takes longer than to decode a little.
    if kind is step.last_projected_type:
        return step.last_projection
    if kind not in step.projections:
        step.projections[kind] = compile_projection(step, kind, scalars, batch=step.batch is not None)
    step.last_projected_type, step.last_projection = kind, step.projections[kind]
    return step.last_projection


def compile_projection(step: Field, kind: Any, scalars: PassthroughScalars, *, batch: bool) -> Projection | str:
    """How a step's JSON of a declared type is read; or, in words, why it can't be.

    ``batch``: it is a list with a value for each parent.
    """
    try:
        value = declared.type_info(kind)
        if batch:
            if not isinstance(value, declared.ListType):
                return "no list"
            value = value.item_type
        shape = _ProjectionCompiler(scalars)
        read = shape.of(value, step.type, step, "v")
    except _NotProjectable as reason:
        return str(reason)
    kind, partial = (list[read.type], list[read.partial_type]) if batch else (read.type, read.partial_type)  # type: ignore[name-defined]
    selection = msgspec.json.encode(read.selection) if read.selection and shape.is_selectable else b""
    decode, decode_partial = (msgspec.json.Decoder(one).decode for one in (kind, partial))
    return Projection(kind, decode, shape.note(read.lines), selection, partial, decode_partial)


class _NotProjectable(Exception):
    """The JSON is not what GraphQL would make of it."""


class _ProjectionCompiler:
    """Makes the types that a selection is decoded into, and the code that walks over what waits for steps below.

    ``is_selectable``: whoever checked it by what is declared has checked all that the graph promises.
    """

    def __init__(self, scalars: PassthroughScalars) -> None:
        self._scalars = scalars
        self._names: dict[str, Any] = {}
        self._begin: CodeLines = []
        self._end: CodeLines = []
        self.is_selectable = True

    def note(self, lines: CodeLines) -> Callable[[Any, Any], None] | None:
        """The function ``(values, run)`` that looks into each value by these lines."""
        if not lines:
            return None
        waiting = "parents, containers = run.parents, run.containers"
        body = [*self._begin, "for v in values:", *_indented(lines), waiting, *self._end]
        text = "\n".join(["def note(values, run):", *_indented(body)])
        exec(compile(text, "<pushed>", "exec"), self._names)  # noqa: S102 - our own text, from names we chose
        note: Callable[[Any, Any], None] = self._names["note"]
        return note

    def of(self, value: declared.Type, kind: GraphQLOutputType, field: Field, v: str) -> ValueShape:
        """How a value is read that the lines call ``v``."""
        nullable, inner = unwrap_non_null(kind)
        may_be_null, value = _split_nullable(value)
        read = self._of(value, inner, field, v)
        # A null that only one of the two sides knows is an error: it is looked at the slow way.
        if not (nullable and may_be_null):
            self.is_selectable &= not may_be_null
            return read
        lines = [f"if {v} is not None:", *_indented(read.lines)] if read.lines else []
        return ValueShape(
            read.type | None,
            lines,
            read.partial_type if read.partial_type is Raw else read.partial_type | None,
            read.selection,
        )

    def _of(self, value: declared.Type, kind: Any, field: Field, v: str) -> ValueShape:
        if isinstance(kind, GraphQLList):
            if not isinstance(value, declared.ListType):
                raise _NotProjectable("no list")
            item = self.of(value.item_type, item_type(kind), field, f"{v}_i")
            lines = [f"for {v}_i in {v}:", *_indented(item.lines)] if item.lines else []
            return ValueShape(list[item.type], lines, list[item.partial_type] if lines else Raw, item.selection)  # type: ignore[name-defined]
        if isinstance(kind, GraphQLObjectType):
            if not isinstance(value, declared.StructType):
                raise _NotProjectable("no object")
            return self._struct(value, kind, field.selections[kind.name], v)
        if is_abstract_type(kind):
            self.is_selectable = False
            return self._abstract(value, field, v)
        leaf = self._leaf(value, kind)
        return ValueShape(leaf, [], leaf, [])

    def _leaf(self, value: declared.Type, kind: GraphQLScalarType | GraphQLEnumType) -> Any:
        if isinstance(kind, GraphQLEnumType):
            if not isinstance(value, declared.EnumType):
                raise _NotProjectable("no enum")
            if any(kind.coerce_output_value(one) != one.value for one in value.cls):
                raise _NotProjectable("an enum's values")
            return value.cls
        if kind in _BUILT_IN_SCALARS:
            expected, made = _BUILT_IN_SCALARS[kind]
            if value != expected:  # of another type, or with bounds
                raise _NotProjectable("a leaf of another type")
            return made
        if kind.name not in self._scalars:
            raise _NotProjectable("a scalar")
        made = self._scalars[kind.name]
        self.is_selectable &= _has_same_constraints(value, declared.type_info(made))
        return made

    def _abstract(self, value: declared.Type, field: Field, v: str) -> ValueShape:
        members = value.types if isinstance(value, declared.UnionType) else (value,)
        made: list[Any] = []
        lines: CodeLines = []
        for member in members:
            if not isinstance(member, declared.StructType) or member.tag_field != TYPENAME:
                raise _NotProjectable("members without __typename")
            selection = field.selections.get(str(member.tag))
            if selection is None:
                raise _NotProjectable("members of other names")
            if not selection.fields or selection.fields[0].key != TYPENAME:
                # It is what tells them apart, and stands first in the JSON.
                raise _NotProjectable("members without __typename first")
            one = self._struct(member, selection.type, selection, v, tag=str(member.tag))
            made.append(one.type)
            if one.lines:
                lines += [f"if type({v}) is {self._name(one.type)}:", *_indented(one.lines)]
        union: Any = Union[tuple(made)]  # noqa: UP007 - as many as there are
        return ValueShape(union, lines, union, [])

    def _struct(
        self,
        value: declared.StructType,
        kind: GraphQLObjectType,
        selection: ObjectSelection,
        v: str,
        tag: str | None = None,
    ) -> ValueShape:
        if kind.is_type_of is not None and not getattr(kind.is_type_of, CHECKS_CLASS_ONLY, False):
            raise _NotProjectable("is_type_of looks at the value")
        sent = {one.name: one for one in value.fields}
        taken = {one.encode_name for one in value.fields} | {TYPENAME}
        shape = ObjectShape(kind.name, tag)
        lines: CodeLines = []
        needed: set[str] = set()
        steps: list[Field] = []
        for number, field in enumerate(selection.fields):
            if field.kind is FieldKind.ATTRIBUTE:
                own = _declared_field(sent, field)
                read = self.of(own.type, field.type, field, f"{v}_{number}")
                shape.add_field(own.name, field.key, read)
                if read.lines:
                    lines += [f"{v}_{number} = {v}.{own.name}", *read.lines]
            elif field.key in taken and (field.kind is not FieldKind.TYPENAME or field.key != TYPENAME):
                raise _NotProjectable("an alias")
            elif field.kind is FieldKind.TYPENAME:
                if tag is None or field.key != TYPENAME:  # the tag is written as such
                    shape.add_constant(f"_typename_{number}", field.key, kind.name)
            elif field.batch is not None and field.batch.needs is not None:
                shape.add_join(field.slot, field.key)
                needed.update(_join_keys(field.batch.needs, sent))
                steps.append(field)
            else:
                raise _NotProjectable("a field with a resolver")
        hidden = sorted(needed - shape.names.keys())
        for name in hidden:
            shape.hidden(name, sent[name].encode_name, _join_key_type(sent[name].type))
        return shape.build(lines + self._enqueue_lines(steps, hidden, v))

    def _enqueue_lines(self, steps: Sequence[Field], hidden: Sequence[str], v: str) -> CodeLines:
        """The lines that have an object wait for steps; all that wait for the same ones share one list."""
        if not steps:
            return []
        waiting = f"waiting_{len(self._begin)}"
        self._begin.append(f"{waiting} = []")
        for step in steps:
            # A list is shared by all that wait for it, and never changed.
            i = step.index
            self._end += [
                f"{of}[{i}] = {of}[{i}] + {waiting} if {of}[{i}] else {waiting}" for of in ("parents", "containers")
            ]
        self._end += [f"run.hidden.append(({waiting}, {hidden!r}))"] if hidden else []
        return [f"{waiting}.append({v})"]

    def _name(self, value: Any) -> str:
        name = f"struct_{len(self._names)}"
        self._names[name] = value
        return name


def _has_same_constraints(sent: declared.Type, read: declared.Type) -> bool:
    """Whether what was picked as one type is of the other, too. Plain whole numbers are picked within 32 bits."""
    if sent != declared.IntType() or not isinstance(read, declared.IntType):
        return sent == read
    least, most = read.ge, read.le
    bounded = (least is None or least <= -(2**31)) and (most is None or most >= 2**31 - 1)
    return bounded and read == declared.IntType(ge=least, le=most)


def _indented(lines: CodeLines) -> CodeLines:
    return [f"    {line}" for line in lines]


def _declared_field(sent: dict[str, declared.Field], field: Field) -> declared.Field:
    own = sent.get(field.attribute)
    if own is None:
        raise _NotProjectable("a field that is not sent")
    if own.encode_name != field.key:
        raise _NotProjectable("an alias")
    return own


def _join_keys(needs: tuple[str, ...], sent: dict[str, declared.Field]) -> tuple[str, ...]:
    """What a join needs, if these are keys: of all else, what was selected is not all that is declared."""
    if not all(need in sent and type(_split_nullable(sent[need].type)[1]) in _JOIN_KEY_TYPES for need in needs):
        raise _NotProjectable("a join that needs more than keys")
    return needs


def _join_key_type(value: declared.Type) -> Any:
    """The type to decode what a join needs of its parent as."""
    may_be_null, inner = _split_nullable(value)
    return _JOIN_KEY_TYPES[type(inner)] | None if may_be_null else _JOIN_KEY_TYPES[type(inner)]


def _split_nullable(value: declared.Type) -> tuple[bool, declared.Type]:
    """Whether a declared type may be null, and the rest of it."""
    if not isinstance(value, declared.UnionType):
        return False, value
    rest = tuple(one for one in value.types if not isinstance(one, declared.NoneType))
    may_be_null = any(isinstance(one, declared.NoneType) for one in value.types)
    return may_be_null, rest[0] if len(rest) == 1 else declared.UnionType(rest)
