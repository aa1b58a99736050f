"""What a contract's Protocol says of its operations, read once."""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

import msgspec

from services.chassis.rpc import batch_protocol
from services.chassis.rpc.body_size import max_json_bytes
from services.chassis.rpc.text_limits import TextValidator, text_validator
from services.contracts.declare import Operation
from services.contracts.values import Problem, Refusal

MAX_BODY_BYTES = 2_000_000
"""Bytes of a request at most; less where the operation's parameters can't take as many."""

_FLATTENED_PARAMETERS = ("command", "page")
"""Parameters that the graph has no argument for, but for each of their fields."""


class Signature(msgspec.Struct, frozen=True):
    """One operation: its name on the wire, what goes in (a Struct made from its parameters), what comes out.

    ``method`` is the Protocol's own. ``path`` is where it is asked for alone, ``opening`` how it begins in company (see
    ``batch_protocol``).
    ``shares_round_trips``: it may travel with other reads of its caller; not if it changes something, or has no caller.
    ``repeatable``: to make it twice is to make it once; a read, or a write that carries its idempotency key.
    ``largest`` is the size of its arguments as JSON at most, in bytes; ``refuses``: its result may be a refusal.
    """

    name: str
    python_name: str
    method: Callable[..., Any]
    declared: Operation
    arguments: type[msgspec.Struct]
    result: Any
    description: str
    batchable: bool
    idempotent: bool
    path: str
    call_prefix: bytes
    max_bytes: int
    may_refuse: bool
    find_text_problems: TextValidator

    def problems_of(self, arguments: msgspec.Struct) -> list[Problem]:
        """Find what is wrong with the texts of the arguments.

        Paths are those that the sender knows: they begin inside a command, or a page, whose fields are arguments there.
        """
        problems = self.find_text_problems(arguments)
        return [
            msgspec.structs.replace(one, path=one.path[1:]) if one.path[0] in _FLATTENED_PARAMETERS else one
            for one in problems
        ]


def camel_case(name: str) -> str:
    """A Python name as it is written on the wire."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


@functools.cache
def signatures(protocol: type) -> dict[str, Signature]:
    """Every operation of a Protocol, by its name on the wire. TypeError for a public method without a declaration."""
    found: dict[str, Signature] = {}
    for name, method in inspect.getmembers(protocol, inspect.isfunction):
        if name.startswith("_"):
            continue
        declared = getattr(method, "__operation__", None)
        if declared is None:
            raise TypeError(f"{protocol.__name__}.{name} is neither @read nor @write")
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
        found[camel_case(name)] = Signature(
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
            Refusal in typing.get_args(hints["return"]),
            text_validator(arguments),
        )
    return found


def _has_idempotency_key(kind: Any) -> bool:
    return "idempotency_key" in getattr(kind, "__struct_fields__", ())
