"""A counter and a histogram without a lock are shown like any others."""

import pytest
from prometheus_client import REGISTRY, Histogram, generate_latest

from services.chassis.quick_metrics import QuickCounter, QuickHistogram


def test_a_counter_is_shown_with_its_labels() -> None:
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


@pytest.mark.parametrize("values", [(), (0.0,), (0.005, 0.0051, 0.3, 7.5, 10.0, 10.01, 1e9)])
def test_a_histogram_is_shown_as_the_librarys_own_is(values: tuple[float, ...]) -> None:
    shown = []
    for kind in (QuickHistogram, Histogram):
        histogram = kind("kierto_seconds_of_a_test", "Seconds.", ["operation", "outcome"])
        try:
            histogram.labels("pay", "2xx")
            for value in values:
                histogram.labels("pay", "2xx").observe(value)
            lines = generate_latest(REGISTRY).decode().splitlines()
        finally:
            REGISTRY.unregister(histogram)
        shown.append([line for line in lines if "seconds_of_a_test" in line and "_created" not in line])
    assert shown[0] == shown[1]
    assert f'kierto_seconds_of_a_test_count{{operation="pay",outcome="2xx"}} {len(values):.1f}' in shown[0]
