"""A counter and a histogram for what happens in every request: to count costs one addition, or three.

The library's own take locks each time. These are for the thread of the event loop alone.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client import REGISTRY, Histogram
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

One = TypeVar("One")
Family = TypeVar("Family", CounterMetricFamily, HistogramMetricFamily)


class _Quick(Collector, Generic[One, Family]):
    """Metrics of one name, each with values of the labels, shown on ``/metrics`` as the library's own are."""

    _make: Callable[[], One]
    _family: type[Family]

    def __init__(self, name: str, documentation: str, labels: Sequence[str]) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._known: dict[tuple[str, ...], One] = {}
        REGISTRY.register(self)

    def labels(self, *values: str) -> One:
        """The metric with these values of its labels."""
        known = self._known.get(values)
        if known is None:
            known = self._known[values] = self._make()
        return known

    def describe(self) -> Iterator[Family]:
        yield self._family(self._name, self._documentation, labels=self._labels)


class Tally:
    """One counter."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self) -> None:
        self.value += 1


class QuickCounter(_Quick[Tally, CounterMetricFamily]):
    """Counters of one name."""

    _make, _family = Tally, CounterMetricFamily

    def collect(self) -> Iterator[CounterMetricFamily]:
        (family,) = self.describe()
        for values, tally in self._known.items():
            family.add_metric(values, tally.value)
        yield family


class Spread:
    """One histogram: how many observations each bucket has, and their sum."""

    __slots__ = ("buckets", "sum")

    BOUNDS = Histogram.DEFAULT_BUCKETS
    """The largest value of each bucket; the last has none."""

    def __init__(self) -> None:
        self.buckets = [0] * len(self.BOUNDS)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.buckets[bisect_left(self.BOUNDS, value)] += 1
        self.sum += value


class QuickHistogram(_Quick[Spread, HistogramMetricFamily]):
    """Histograms of one name, with the library's buckets."""

    _make, _family = Spread, HistogramMetricFamily

    def collect(self) -> Iterator[HistogramMetricFamily]:
        (family,) = self.describe()
        for values, spread in self._known.items():
            buckets = list(zip(map(floatToGoString, spread.BOUNDS), accumulate(spread.buckets), strict=True))
            family.add_metric(values, buckets, spread.sum)
        yield family
