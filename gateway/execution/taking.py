"""Taking what one JSON text holds for the steps of a level into the answer: code made for just these steps.

Every request comes by here, once a level. What is known of the steps needs not be asked again: it is written out.
"""

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
    names: dict[str, Any] = {
        "decode": msgspec.json.Decoder(form.whole(types, picked)).decode,
        "PUSHED": PUSHED,
        "PICKED": PICKED,
        "below": [below for step in steps for below in step.steps],
    }
    read = ", ".join(f"(_, v_{n})" if form.framed else f"v_{n}" for n in range(len(steps)))
    lines = [f"{read}{',' if form.framed else ''} = decode(text)"]
    lines.append(f"{', '.join(f'b_{n}' for n in range(len(steps)))}, = begun")
    # First all is looked at, then all is done.
    for n, step in enumerate(steps):
        lines.append(f"c_{n} = b_{n}.containers")
        lines.append(f"if len(v_{n}) != len(c_{n}): return None" if step.batch is not None else f"v_{n} = [v_{n}]")
    for n, (step, how) in enumerate(zip(steps, pushed, strict=True)):
        names |= {f"put_{n}": step.put_all, f"note_{n}": how.note}
        lines.append(f"put_{n}(c_{n}, v_{n})")
        if how.note is not None:
            lines.append(f"note_{n}(v_{n}, run)")
    parts = sum(picked)
    for counter, count in (("PICKED", parts), ("PUSHED", len(steps) - parts)):
        if count:
            lines.append(f"{counter}.value += {count}")
    text = "\n    ".join(["def take(text, begun, run):", *lines, "return below"])
    exec(compile(text, "<taking>", "exec"), names)  # noqa: S102 - our own text, from names we chose
    take: Take = names["take"]
    return take
