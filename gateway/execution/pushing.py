"""Pushing down: where a step's values came as JSON, they are read straight into what was selected of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.execution.answer import Container
from gateway.execution.asking import Begun
from gateway.execution.plan import Field
from gateway.execution.pushed import Pushed, attribute_of, push_down, setter
from services.chassis import metrics
from services.chassis.rpc.undecoded import Undecoded, UndecodedTogether

if TYPE_CHECKING:
    from gateway.execution.run import Run

_MOST_KEPT = 8
"""Which steps of a level are asked for together differs with what is null above them."""

_PUSHED = metrics.COMPLETIONS.labels("pushed", "")


def push(run: "Run", step: Field, containers: list[Container], values: Any) -> bool:
    """Push a step's values down; False, and nothing is done, where that can not be."""
    batch = type(values) is Undecoded
    if batch:
        kind = values.kind
    elif type(values) is list and len(values) == 1 and type(values[0]) is Undecoded:
        kind = values[0].kind
    elif type(values) is list and values and all(type(value) is Undecoded for value in values):
        kind = values[0].kind
        if any(value.kind != kind for value in values):
            return _not_pushed("several types")
    else:
        return False
    pushed = _pushed(run, step, kind)
    if isinstance(pushed, str):
        return _not_pushed(pushed)
    try:
        read = pushed.decode(values.json) if batch else [pushed.decode(value.json) for value in values]
    except msgspec.DecodeError:
        return _not_pushed("not as declared")
    if len(read) != len(containers):
        return _not_pushed("not one for each parent")
    _take(run, step, containers, pushed, read)
    return True


def push_together(run: "Run", begun: Sequence[Begun], settled: UndecodedTogether) -> bool:
    """Push down the values of all these steps, which came as one; False, and nothing is done, where that can not be."""
    if len(settled) != len(begun):
        return False
    pushed: list[Pushed] = []
    for one, kind in zip(begun, settled.kinds, strict=True):
        how = _pushed(run, one.step, kind)
        if isinstance(how, str):
            return False
        pushed.append(how)
    first, key = begun[0].step, tuple(pushed)
    decode = first.pushed_together.get(key)
    if decode is None:
        if len(first.pushed_together) == _MOST_KEPT:
            first.pushed_together.clear()
        decode = first.pushed_together[key] = msgspec.json.Decoder(settled.whole([how.type for how in pushed])).decode
    try:
        answers = decode(settled.json)
    except msgspec.DecodeError:
        return False
    read = [answer if one.step.batch is not None else [answer] for one, (_, answer) in zip(begun, answers, strict=True)]
    if any(len(values) != len(one.containers) for one, values in zip(begun, read, strict=True)):
        return False
    for one, how, values in zip(begun, pushed, read, strict=True):
        _take(run, one.step, one.containers, how, values)
    return True


def put_all(step: Field, containers: Sequence[Any], values: Sequence[Any]) -> None:
    """Set the same part of each container: they are all of one kind, made by one selection."""
    if type(containers[0]) is dict:
        key = step.key
        for container, value in zip(containers, values, strict=True):
            container[key] = value
    else:
        setter(attribute_of(step))(containers, values)


def _pushed(run: "Run", step: Field, kind: Any) -> Pushed | str:
    """How a step's JSON of a declared type is read; or, in words, why it can't be."""
    if kind is step.pushed_kind:  # nearly always; to look a declared type up takes longer than to decode a little
        return step.pushed_last  # type: ignore[no-any-return]
    if kind not in step.pushed:
        step.pushed[kind] = push_down(step, kind, run.scalars, batch=step.batch is not None)
    step.pushed_kind, step.pushed_last = kind, step.pushed[kind]
    return step.pushed_last  # type: ignore[no-any-return]


def _take(run: "Run", step: Field, containers: list[Container], pushed: Pushed, values: Sequence[Any]) -> None:
    put_all(step, containers, values)
    if pushed.note is not None:
        pushed.note(values, run)
    _PUSHED.inc()


def _not_pushed(why: str) -> bool:
    metrics.COMPLETIONS.labels("compiled", why).inc()
    return False
