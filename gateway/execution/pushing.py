"""Pushing down: where a step's values came as JSON, they are read straight into what was selected of them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.execution.asking import Begun
from gateway.execution.plan import Field
from gateway.execution.pushed import Pushed, push_down
from services.chassis import metrics
from services.chassis.rpc.undecoded import Undecoded, UndecodedTogether

if TYPE_CHECKING:
    from gateway.execution.run import Run

_MOST_KEPT = 8
"""Which steps of a level are asked for together differs with what is null above them."""

_PUSHED = metrics.COMPLETIONS.labels("pushed", "")
_PICKED = metrics.COMPLETIONS.labels("pushed", "picked")


def pick(begun: Begun, run: "Run") -> None:
    """Tell what is awaited what is selected of it, if it can send just that and nothing else is looked at."""
    values = begun.values
    kind = values[0].kind
    if len(values) > 1 and any(one.kind is not kind for one in values):
        return
    begun.pushed = pushed = _pushed(begun.step, kind, run)
    if type(pushed) is Pushed and pushed.selection:
        for one in values:
            one.pick(pushed.selection)


def push(begun: Begun, run: "Run") -> bool:
    """Push a step's values down; False, and nothing is done, where that can not be."""
    values, step = begun.values, begun.step
    first = values[0]
    if type(first) is not Undecoded or (len(values) > 1 and any(type(one) is not Undecoded for one in values)):
        return False
    pushed = _pushed(step, first.kind, run)
    if len(values) > 1 and any(one.kind != first.kind for one in values):
        pushed = "several types"
    if isinstance(pushed, str):
        return _not_pushed(pushed)
    try:
        read = [pushed.decode_picked(one.json) if one.picked else pushed.decode(one.json) for one in values]
    except msgspec.DecodeError:
        return _not_pushed("not as declared")
    if step.batch is not None:
        (read,) = read
    if len(read) != len(begun.containers):
        return _not_pushed("not one for each parent")
    _take(begun, pushed, read, first.picked, run)
    return True


def push_together(begun: Sequence[Begun], settled: UndecodedTogether, run: "Run") -> bool:
    """Push down the values of all these steps, which came as one; False, and nothing is done, where that can not be."""
    pushed = [one.pushed for one in begun]
    if None in pushed:
        pushed = [_pushed(one.step, kind, run) for one, kind in zip(begun, settled.kinds, strict=True)]
    first, key = begun[0].step, (settled.picked, *pushed)
    decode = first.pushed_together.get(key)
    if decode is None:
        if any(type(how) is not Pushed for how in pushed):
            return False
        decode = _remember(first, key, settled, pushed)
    try:
        answers = decode(settled.json)
    except msgspec.DecodeError:
        return False
    read = []
    for one, (_, answer) in zip(begun, answers, strict=True):
        values = answer if one.step.batch is not None else [answer]
        if len(values) != len(one.containers):
            return False
        read.append(values)
    for one, how, values, picked in zip(begun, pushed, read, settled.picked, strict=True):
        _take(one, how, values, picked, run)
    return True


def _remember(first: Field, key: Any, settled: UndecodedTogether, pushed: Sequence[Any]) -> Callable[[bytes], Any]:
    """What reads the answers of these steps in one go, kept with the first of them."""
    if len(first.pushed_together) == _MOST_KEPT:
        first.pushed_together.clear()
    types = [how.picked if part else how.type for how, part in zip(pushed, settled.picked, strict=True)]
    decode = first.pushed_together[key] = msgspec.json.Decoder(settled.whole(types, settled.picked)).decode
    return decode


def put_all(step: Field, containers: Sequence[Any], values: Sequence[Any]) -> None:
    """Set the same part of each container: they are all of one kind, made by one selection."""
    if type(containers[0]) is dict:
        key = step.key
        for container, value in zip(containers, values, strict=True):
            container[key] = value
    else:
        step.put(containers, values)


def _pushed(step: Field, kind: Any, run: "Run") -> Pushed | str:
    """How a step's JSON of a declared type is read; or, in words, why it can't be."""
    if kind is step.pushed_kind:  # nearly always; to look a declared type up takes longer than to decode a little
        return step.pushed_last  # type: ignore[no-any-return]
    if kind not in step.pushed:
        step.pushed[kind] = push_down(step, kind, run.scalars, batch=step.batch is not None)
    step.pushed_kind, step.pushed_last = kind, step.pushed[kind]
    return step.pushed_last  # type: ignore[no-any-return]


def _take(begun: Begun, pushed: Any, values: Sequence[Any], picked: bool, run: "Run") -> None:
    put_all(begun.step, begun.containers, values)
    if pushed.note is not None:
        pushed.note(values, run)
    (_PICKED if picked else _PUSHED).value += 1


def _not_pushed(why: str) -> bool:
    metrics.COMPLETIONS.labels("compiled", why).inc()
    return False
