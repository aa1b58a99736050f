"""Projection compiler: types that decode a service's JSON straight into the selected part of the response.

For a step whose value comes as JSON, each object of the selection gets a msgspec Struct with the selected fields in the
order of the response, typed as the contract declares. Decoding checks the types, so completion has nothing to do.
Values of joins are set on the structs later. An attribute that a join needs and that is not selected is decoded, too,
and unset in the end.

A service may restrict its answer to the selection (see ``services.chassis.rpc.field_selection``), and checks it then.
Of a restricted answer only the parents of joins are decoded; the rest is passed on unread.

A projection exists if the JSON equals the response: the same names, enums by name, scalars with the same JSON. Other
answers are decoded as declared, and completed.
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
"""By the name of a GraphQL scalar with the same JSON in services: the type to decode it as."""

TYPENAME = "__typename"

_BUILT_IN_SCALARS: dict[GraphQLScalarType, tuple[declared.Type, Any]] = {
    GraphQLString: (declared.StrType(), str),
    GraphQLID: (declared.StrType(), str),
    GraphQLInt: (declared.IntType(), Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]),
    GraphQLBoolean: (declared.BoolType(), bool),
    GraphQLFloat: (declared.FloatType(), float),
}
_JOIN_KEY_TYPES: dict[type[declared.Type], Any] = {declared.StrType: str, declared.IntType: int}
"""The types of attributes that a join may need of its parent."""


def projection_for(step: Field, kind: Any, scalars: PassthroughScalars) -> Projection | str:
    """Return the projection of a step's JSON of a declared type, or the reason that there is none; cache it."""
    # The type is nearly always the last one, and a look-up by type takes longer than decoding a small value.
    if kind is step.last_projected_type:
        return step.last_projection
    if kind not in step.projections:
        step.projections[kind] = compile_projection(step, kind, scalars, is_batch=step.batch is not None)
    step.last_projected_type, step.last_projection = kind, step.projections[kind]
    return step.last_projection


def compile_projection(step: Field, kind: Any, scalars: PassthroughScalars, *, is_batch: bool) -> Projection | str:
    """Compile the projection of a step's JSON of a declared type; return the reason if there is none.

    ``is_batch``: the JSON is a list with a value for each parent.
    """
    try:
        value = declared.type_info(kind)
        if is_batch:
            if not isinstance(value, declared.ListType):
                return "no list"
            value = value.item_type
        compiler = _ProjectionCompiler(scalars)
        shape = compiler.value_shape(value, step.type, step, "v")
    except _NotProjectable as reason:
        return str(reason)
    kind, partial = (list[shape.type], list[shape.partial_type]) if is_batch else (shape.type, shape.partial_type)  # type: ignore[name-defined]
    selection = msgspec.json.encode(shape.selection) if shape.selection and compiler.is_selectable else b""
    decode, decode_partial = (msgspec.json.Decoder(one).decode for one in (kind, partial))
    return Projection(kind, decode, compiler.compile_enqueue(shape.lines), selection, partial, decode_partial)


class _NotProjectable(Exception):
    """The JSON differs from the response."""


class _ProjectionCompiler:
    """Compiles the types that a selection is decoded into, and the code that enqueues the steps below."""

    def __init__(self, scalars: PassthroughScalars) -> None:
        self._scalars = scalars
        self._names: dict[str, Any] = {}
        self._first_lines: CodeLines = []
        self._last_lines: CodeLines = []
        self.is_selectable = True
        """Whether a value that is valid by its declared type is valid by its GraphQL type, too."""

    def compile_enqueue(self, lines: CodeLines) -> Callable[[Any, Any], None] | None:
        """Compile the function ``(values, state)`` that executes these lines for each value; None without lines."""
        if not lines:
            return None
        queues = "parents, containers = state.parents, state.containers"
        body = [*self._first_lines, "for v in values:", *_indented(lines), queues, *self._last_lines]
        text = "\n".join(["def enqueue_children(values, state):", *_indented(body)])
        exec(compile(text, "<projection>", "exec"), self._names)  # noqa: S102 - our own text, from names we chose
        enqueue_children: Callable[[Any, Any], None] = self._names["enqueue_children"]
        return enqueue_children

    def value_shape(self, value: declared.Type, kind: GraphQLOutputType, field: Field, v: str) -> ValueShape:
        """Return the shape of a value that the lines call ``v``."""
        nullable, inner = unwrap_non_null(kind)
        may_be_null, value = _split_nullable(value)
        shape = self._non_null_shape(value, inner, field, v)
        # A null that only one of the two types allows fails decoding, or completion by the slow path.
        if not (nullable and may_be_null):
            self.is_selectable &= not may_be_null
            return shape
        lines = [f"if {v} is not None:", *_indented(shape.lines)] if shape.lines else []
        return ValueShape(
            shape.type | None,
            lines,
            shape.partial_type if shape.partial_type is Raw else shape.partial_type | None,
            shape.selection,
        )

    def _non_null_shape(self, value: declared.Type, kind: Any, field: Field, v: str) -> ValueShape:
        if isinstance(kind, GraphQLList):
            if not isinstance(value, declared.ListType):
                raise _NotProjectable("no list")
            item = self.value_shape(value.item_type, item_type(kind), field, f"{v}_i")
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
            if any(kind.coerce_output_value(member) != member.value for member in value.cls):
                raise _NotProjectable("an enum's values")
            return value.cls
        if kind in _BUILT_IN_SCALARS:
            expected, decoded_type = _BUILT_IN_SCALARS[kind]
            if value != expected:  # of another type, or with bounds
                raise _NotProjectable("a leaf of another type")
            return decoded_type
        if kind.name not in self._scalars:
            raise _NotProjectable("a scalar")
        decoded_type = self._scalars[kind.name]
        self.is_selectable &= _has_same_constraints(value, declared.type_info(decoded_type))
        return decoded_type

    def _abstract(self, value: declared.Type, field: Field, v: str) -> ValueShape:
        members = value.types if isinstance(value, declared.UnionType) else (value,)
        structs: list[Any] = []
        lines: CodeLines = []
        for member in members:
            if not isinstance(member, declared.StructType) or member.tag_field != TYPENAME:
                raise _NotProjectable("members without __typename")
            selection = field.selections.get(str(member.tag))
            if selection is None:
                raise _NotProjectable("members of other names")
            if not selection.fields or selection.fields[0].key != TYPENAME:
                # It is the tag of the struct, which is encoded first.
                raise _NotProjectable("members without __typename first")
            shape = self._struct(member, selection.type, selection, v, tag=str(member.tag))
            structs.append(shape.type)
            if shape.lines:
                lines += [f"if type({v}) is {self._name(shape.type)}:", *_indented(shape.lines)]
        union: Any = Union[tuple(structs)]  # noqa: UP007 - as many as there are
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
        sent_keys = {one.encode_name for one in value.fields} | {TYPENAME}
        shape = ObjectShape(kind.name, tag)
        lines: CodeLines = []
        needed: set[str] = set()
        steps: list[Field] = []
        for number, field in enumerate(selection.fields):
            if field.kind is FieldKind.ATTRIBUTE:
                own = _declared_field(sent, field)
                field_shape = self.value_shape(own.type, field.type, field, f"{v}_{number}")
                shape.add_field(own.name, field.key, field_shape)
                if field_shape.lines:
                    lines += [f"{v}_{number} = {v}.{own.name}", *field_shape.lines]
            elif field.key in sent_keys and (field.kind is not FieldKind.TYPENAME or field.key != TYPENAME):
                raise _NotProjectable("an alias")
            elif field.kind is FieldKind.TYPENAME:
                if tag is None or field.key != TYPENAME:  # msgspec encodes the tag itself
                    shape.add_constant(f"_typename_{number}", field.key, kind.name)
            elif field.batch is not None and field.batch.needs is not None:
                shape.add_join(field.slot, field.key)
                needed.update(_join_keys(field.batch.needs, sent))
                steps.append(field)
            else:
                raise _NotProjectable("a field with a resolver")
        hidden = sorted(needed - shape.names.keys())
        for name in hidden:
            shape.add_hidden(name, sent[name].encode_name, _join_key_type(sent[name].type))
        return shape.build(lines + self._enqueue_lines(steps, hidden, v))

    def _enqueue_lines(self, steps: Sequence[Field], hidden: Sequence[str], v: str) -> CodeLines:
        """Return the lines that enqueue an object for its steps."""
        if not steps:
            return []
        objects = f"objects_{len(self._first_lines)}"
        self._first_lines.append(f"{objects} = []")
        for step in steps:
            # The steps share the list, so none of them may change it.
            i = step.index
            self._last_lines += [
                f"{of}[{i}] = {of}[{i}] + {objects} if {of}[{i}] else {objects}" for of in ("parents", "containers")
            ]
        self._last_lines += [f"state.hidden.append(({objects}, {hidden!r}))"] if hidden else []
        return [f"{objects}.append({v})"]

    def _name(self, value: Any) -> str:
        name = f"struct_{len(self._names)}"
        self._names[name] = value
        return name


def _has_same_constraints(sent: declared.Type, decoded: declared.Type) -> bool:
    """Return whether a restricted answer of one type is valid as the other. Services check `int` within 32 bits."""
    if sent != declared.IntType() or not isinstance(decoded, declared.IntType):
        return sent == decoded
    minimum, maximum = decoded.ge, decoded.le
    allows_32_bits = (minimum is None or minimum <= -(2**31)) and (maximum is None or maximum >= 2**31 - 1)
    return allows_32_bits and decoded == declared.IntType(ge=minimum, le=maximum)


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
    """Return the attributes that a join needs, if they are keys. Of other attributes only a selection is decoded."""
    if not all(need in sent and type(_split_nullable(sent[need].type)[1]) in _JOIN_KEY_TYPES for need in needs):
        raise _NotProjectable("a join that needs more than keys")
    return needs


def _join_key_type(value: declared.Type) -> Any:
    """Return the type to decode a join's key as."""
    may_be_null, inner = _split_nullable(value)
    return _JOIN_KEY_TYPES[type(inner)] | None if may_be_null else _JOIN_KEY_TYPES[type(inner)]


def _split_nullable(value: declared.Type) -> tuple[bool, declared.Type]:
    """Return whether a declared type is nullable, and the type without null."""
    if not isinstance(value, declared.UnionType):
        return False, value
    rest = tuple(one for one in value.types if not isinstance(one, declared.NoneType))
    may_be_null = any(isinstance(one, declared.NoneType) for one in value.types)
    return may_be_null, rest[0] if len(rest) == 1 else declared.UnionType(rest)
