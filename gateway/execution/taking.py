"""Taking what one JSON text holds for the steps of a level into the answer: worked out once for these steps."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway.execution.asking import Begun
from gateway.execution.plan import Field
from gateway.execution.pushed import Pushed
from services.chassis import metrics
from services.chassis.rpc.undecoded import Form

Take = Callable[[bytes, Sequence[Begun], Any], Sequence[Field] | None]
"""(text, the steps as they were begun, run) -> the steps that these lead to.

None, or msgspec's DecodeError, where the text is something else; nothing is done then.
"""

PUSHED = metrics.COMPLETIONS.labels("pushed", "")
PICKED = metrics.COMPLETIONS.labels("pushed", "picked")


def taking(steps: Sequence[Field], pushed: Sequence[Pushed], form: Form, picked: Sequence[bool]) -> Take:
    """What takes a text of this form for these steps, which are read so, or as what was ``picked`` of them."""
    types = [how.picked if part else how.type for how, part in zip(pushed, picked, strict=True)]
    decode = msgspec.json.Decoder(form.whole(types, picked)).decode
    notes = [how.note for how in pushed]
    batched = [step.batch is not None for step in steps]
    below = [under for step in steps for under in step.steps]
    parts = sum(picked)
    wholes = len(steps) - parts

    def take(text: bytes, begun: Sequence[Begun], run: Any) -> Sequence[Field] | None:
        found = decode(text)
        values = [value for _, value in found] if form.framed else [found]
        # First all is looked at, then all is done.
        for place, one in enumerate(begun):
            if not batched[place]:
                values[place] = [values[place]]
            elif len(values[place]) != len(one.containers):
                return None
        for one, value, note in zip(begun, values, notes, strict=True):
            one.step.put_all(one.containers, value)
            if note is not None:
                note(value, run)
        if parts:
            PICKED.inc(parts)
        if wholes:
            PUSHED.inc(wholes)
        return below

    return take
