"""A counter without a lock is shown like any other."""

from prometheus_client import REGISTRY, generate_latest

from services.chassis.quick_counter import QuickCounter


def test_it_is_shown_with_its_labels() -> None:
    counter = QuickCounter("kierto_things_of_a_test", "Things.", ["way", "why"])
    counter.labels("plan", "").inc()
    for _ in range(3):
        counter.labels("other", 'a "reason"').inc()
    counter.labels("never", "")
    assert counter.labels("plan", "") is counter.labels("plan", "")
    try:
        shown = generate_latest(REGISTRY).decode()
    finally:
        REGISTRY.unregister(counter)
    assert [line for line in shown.splitlines() if "things_of_a_test" in line] == [
        "# HELP kierto_things_of_a_test_total Things.",
        "# TYPE kierto_things_of_a_test_total counter",
        'kierto_things_of_a_test_total{way="plan",why=""} 1.0',
        'kierto_things_of_a_test_total{way="other",why="a \\"reason\\""} 3.0',
        'kierto_things_of_a_test_total{way="never",why=""} 0.0',
    ]
