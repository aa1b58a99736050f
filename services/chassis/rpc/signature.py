"""Signatures of a contract's operations, derived from its Protocol."""

import functools
import inspect
import typing
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from services.chassis.rpc import batch_protocol
from services.chassis.rpc.body_size import max_json_bytes
from services.chassis.rpc.filters import filter_problems
from services.chassis.rpc.id_inputs import IdInput, id_inputs
from services.chassis.rpc.text_limits import TextNormaliser, TextValidator, text_normaliser, text_validator
from services.contracts.declare import Operation
from services.contracts.permission import SubjectKind
from services.contracts.values import Problem, Refusal

MAX_BODY_BYTES = 2_000_000
"""Bytes of a request at most; less if the types of an operation's parameters bound it."""

_REACH_ALL = {SubjectKind.STAFF}
"""The kinds of subjects that reach every organisation."""
_FLATTENED_PARAMETERS = ("command", "page")
"""Parameters whose fields are arguments of their own in the graph."""


class Signature(msgspec.Struct, frozen=True):
    """An operation of a contract."""

    name: str
    """The name on the wire."""
    python_name: str
    method: Callable[..., Any]
    """The Protocol's method."""
    declared: Operation
    arguments: type[msgspec.Struct]
    """A Struct with a field for each parameter."""
    result: Any
    """The type of the result."""
    description: str
    batchable: bool
    """Whether a batch may contain it: a read that has a caller."""
    idempotent: bool
    """Whether it can be repeated: a read, or a write with an idempotency key."""
    path: str
    """The path of a single call."""
    call_prefix: bytes
    """The beginning of a call in a batch."""
    max_bytes: int
    """The maximum size of the arguments as JSON."""
    may_refuse: bool
    """Whether the result may be a refusal."""
    id_inputs: Sequence[IdInput]
    """The inputs that identify things."""
    find_text_problems: TextValidator
    normalise: TextNormaliser | None
    """Brings the texts of valid arguments to their normal form; None without such texts."""

    @property
    def things(self) -> Sequence[IdInput]:
        """The inputs that identify what a call is about."""
        return [one for one in self.id_inputs if one.identifies_thing]

    def problems_of(self, arguments: msgspec.Struct) -> list[Problem]:
        """Return the problems of the arguments' texts, and of the lists in filters.

        Paths begin inside a command or a page, whose fields are the arguments that the client of the graph knows.
        """
        problems = [*self.find_text_problems(arguments), *filter_problems(arguments)]
        return [msgspec.structs.replace(one, path=list(client_path(one.path))) for one in problems]


def client_path(path: Sequence[str]) -> Sequence[str]:
    """Return the path of an input as the graph's clients know it."""
    return path[1:] if path[0] in _FLATTENED_PARAMETERS else path


def camel_case(name: str) -> str:
    """Return a Python name in its spelling on the wire."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


@functools.cache
def signatures(protocol: type) -> dict[str, Signature]:
    """Return the operations of a Protocol by name; raise TypeError for a public method without a declaration."""
    operations: dict[str, Signature] = {}
    for name, method in inspect.getmembers(protocol, inspect.isfunction):
        if name.startswith("_"):
            continue
        declared = getattr(method, "__operation__", None)
        if declared is None:
            raise TypeError(f"{protocol.__name__}.{name} is neither read nor write")
        hints = typing.get_type_hints(method, include_extras=True)
        fields: list[Any] = []
        for parameter in list(inspect.signature(method).parameters.values())[1:]:
            field = (parameter.name, hints[parameter.name])
            fields.append(field if parameter.default is inspect.Parameter.empty else (*field, parameter.default))
        arguments = msgspec.defstruct(
            f"{protocol.__name__}{camel_case(name)[0].upper()}{camel_case(name)[1:]}Arguments",
            fields,
            rename="camel",
            frozen=True,
            forbid_unknown_fields=True,
        )
        may_refuse = Refusal in typing.get_args(hints["return"])
        inputs = id_inputs(arguments)
        if any(one.identifies_thing for one in inputs) and not may_refuse:
            raise TypeError(f"{protocol.__name__}.{name} is about one thing, so it must be able to refuse")
        if declared.permission and declared.permission.kinds - _REACH_ALL and any(not one.prefix for one in inputs):
            raise TypeError(f"{protocol.__name__}.{name} takes an Id without a type: nothing restricts its callers")
        operations[camel_case(name)] = Signature(
            camel_case(name),
            name,
            method,
            declared,
            arguments,
            hints["return"],
            inspect.getdoc(method) or "",
            declared.kind == "read" and not declared.public,
            declared.kind == "read" or any(_has_idempotency_key(hints[field[0]]) for field in fields),
            f"{batch_protocol.PATH}/{camel_case(name)}",
            batch_protocol.call_prefix(camel_case(name)),
            min(max_json_bytes(arguments) or MAX_BODY_BYTES, MAX_BODY_BYTES),
            may_refuse,
            inputs,
            text_validator(arguments),
            text_normaliser(arguments),
        )
    return operations


def _has_idempotency_key(kind: Any) -> bool:
    return "idempotency_key" in getattr(kind, "__struct_fields__", ())
