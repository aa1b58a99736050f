"""Pushing down: where a step's values came as JSON, they are read straight into what was selected of them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.execution.asking import Begun
from gateway.execution.plan import Field
from gateway.execution.pushed import Pushed, how_pushed
from gateway.execution.run import Run
from gateway.execution.taking import PICKED, PUSHED, Take, taking
from services.chassis import metrics
from services.chassis.rpc.undecoded import Undecoded, UndecodedTogether

_MOST_KEPT = 32
"""Which steps of a level are asked for together differs with what is null above them."""


def push(begun: Begun, run: Run) -> bool:
    """Push a step's values down; False, and nothing is done, where that can not be."""
    values, step = begun.values, begun.step
    first = values[0]
    if type(first) is not Undecoded or (len(values) > 1 and any(type(one) is not Undecoded for one in values)):
        return False
    pushed = how_pushed(step, first.kind, run.scalars)
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


def push_together(begun: Sequence[Begun], settled: UndecodedTogether, run: Run) -> Sequence[Field] | None:
    """Push down the values of all these steps, which came as one, and say what steps they lead to.

    None, and nothing is done, where that can not be.
    """
    known: dict[Any, Take] = begun[0].step.takes
    pushed: list[Any] = [one.pushed for one in begun]
    if None in pushed:
        pushed = [how_pushed(one.step, of.kind, run.scalars) for one, of in zip(begun, settled.several, strict=True)]
    key = (settled.form, settled.picked, *pushed)
    take = known.get(key)
    if take is None:
        if any(type(how) is not Pushed for how in pushed):
            return None
        if len(known) == _MOST_KEPT:
            known.clear()
        take = known[key] = taking([one.step for one in begun], pushed, settled.form, settled.picked)
    try:
        below = take(settled.json, begun, run)
    except msgspec.DecodeError:
        return None
    if below is not None:
        for one in begun:
            _note(one, run)
    return below


def _take(begun: Begun, pushed: Any, values: Sequence[Any], picked: bool, run: Run) -> None:
    begun.step.put_all(begun.containers, values)
    if pushed.note is not None:
        pushed.note(values, run)
    _note(begun, run)
    (PICKED if picked else PUSHED).inc()


def _note(begun: Begun, run: Run) -> None:
    """Have the answer know what a step has put into it."""
    run.answer.filled(begun.containers, begun.step.key, begun.step.type, begun.step)


def _not_pushed(why: str) -> bool:
    metrics.COMPLETIONS.labels("compiled", why).inc()
    return False
