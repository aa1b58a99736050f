"""Traces of events: each belongs to the work that emitted it, and has spans at the relay and the consumer."""

from services.chassis.telemetry import tracing
from tests.support.alpha import Alpha, ThingCounted, ThingWeighed, running
from tests.support.polling import until
from tests.support.recorded_spans import parent_of, recorded_spans

FIRST, SECOND, UNSAMPLED = (
    f"00-{digit * 32}-{'b' * 16}-{flags}" for digit, flags in (("1", "01"), ("2", "01"), ("3", "00"))
)


async def emit_in_traces(alpha: Alpha) -> None:
    """Emit two events in each of three traces, in one transaction."""
    async with alpha.work() as tx:
        for number, parent in enumerate((UNSAMPLED, FIRST, SECOND)):
            with tracing.trace(parent):
                tx.emit(ThingCounted(thing_id="thing_1", number=number))
                tx.emit(ThingWeighed(thing_id="thing_2", number=number))


async def test_an_event_belongs_to_the_work_that_emitted_it(alpha: Alpha) -> None:
    await emit_in_traces(alpha)
    rows = await alpha.pool.fetch("SELECT traceparent FROM chassis.outbox ORDER BY position")
    emitted = [tracing.ids(row["traceparent"])[0] for row in rows]
    assert emitted == [tracing.ids(parent)[0] for parent in (UNSAMPLED, FIRST, SECOND) for _ in range(2)]


async def test_an_event_has_spans_at_the_relay_and_the_consumer(alpha: Alpha) -> None:
    with recorded_spans() as recorded:
        await emit_in_traces(alpha)
        rows = await alpha.pool.fetch("SELECT traceparent FROM chassis.outbox WHERE traceparent LIKE '%-01'")
        async with running(alpha.relay(), alpha.consumer()):
            await until(alpha.tally, lambda tally: len(tally) == 3)
            await until(lambda: alpha.tally("thing_2"), lambda tally: len(tally) == 3)
    parents = {tracing.ids(row["traceparent"]) for row in rows}
    assert {trace for trace, _ in parents} == {tracing.ids(parent)[0] for parent in (FIRST, SECOND)}
    for name in ("send", "process"):
        assert {parent_of(span) for span in recorded.spans if span.name.startswith(name)} == parents
    assert {span.name.split()[0] for span in recorded.spans} == {"send", "process"}
