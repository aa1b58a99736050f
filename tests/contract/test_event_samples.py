"""The samples of the events: listed, never changed, decoded by this build, and handled by every consumer."""

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.contracts import declare
from services.contracts.declare import event_type_of
from services.identity.app import IDENTITY
from services.orders.app import ORDERS
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.contract.event_samples import (
    CHANGELOG,
    RETENTION,
    SAMPLES,
    SUMS,
    first_release,
    list_new_samples,
    listed_samples,
    sample_errors,
    samples_of,
)
from tests.support.fixtures import MakeHarness

MOVED = "orders.order.moved"
TODAY = dt.date(2026, 12, 1)


def rewrite(file: Path, old: bytes, new: bytes) -> None:
    data = file.read_bytes()
    assert old in data
    file.write_bytes(data.replace(old, new))


def add_sample(folder: Path, number: int, old: bytes = b'"version": 2', new: bytes = b'"version": 3') -> None:
    """Add a sample that is the first one with one change."""
    file = folder / MOVED / f"{number}.json"
    file.write_bytes((folder / MOVED / "1.json").read_bytes())
    rewrite(file, old, new)


def test_every_sample_is_listed_and_decoded() -> None:
    assert sample_errors(release=first_release(CHANGELOG.read_text(encoding="utf-8"))) == []


def test_a_changed_and_a_deleted_sample_are_noticed(samples: Path) -> None:
    assert sample_errors(samples) == []
    rewrite(samples / MOVED / "1.json", b'"version": 2', b'"version": 3')
    changed = "orders.order.moved/1.json was changed or deleted: restore it, and add a sample with the next number"
    assert sample_errors(samples) == [changed]
    (samples / MOVED / "1.json").unlink()
    errors = sample_errors(samples)
    assert changed in errors
    assert "orders.order.moved has no sample 1" in errors


def test_a_new_sample_has_the_next_number_and_is_listed_by_the_command(samples: Path) -> None:
    before = (samples / SUMS).read_text(encoding="utf-8")
    add_sample(samples, 3)
    assert "orders.order.moved has no sample 2" in sample_errors(samples)
    assert list_new_samples(samples) == ["orders.order.moved has no sample 2"]
    add_sample(samples, 2)
    assert sample_errors(samples) == [f"orders.order.moved/{number}.json is not listed in {SUMS}" for number in (2, 3)]
    assert list_new_samples(samples, TODAY) == []
    assert sample_errors(samples) == []
    after = (samples / SUMS).read_text(encoding="utf-8")
    assert after.startswith(before), "lines are only added"
    assert [(one.name, one.added) for one in listed_samples(samples)[-2:]] == [
        (f"{MOVED}/2.json", TODAY),
        (f"{MOVED}/3.json", TODAY),
    ]


def test_a_new_sample_that_is_not_decoded_is_not_listed(samples: Path) -> None:
    add_sample(samples, 2, b'"RECEIVED"', b'"LOST"')
    (error,) = list_new_samples(samples)
    assert error.startswith("orders.order.moved/2.json is no longer decoded: Invalid enum value 'LOST'")
    assert len(listed_samples(samples)) == len(listed_samples())


def declare_moved(monkeypatch: pytest.MonkeyPatch, *fields: tuple[str, type] | tuple[str, type, object]) -> None:
    """Replace the contract of the event by one with these fields."""
    current = declare._by_name[MOVED]
    struct = msgspec.defstruct("OrderMoved", fields, rename="camel", bases=(declare.Event,), frozen=True, kw_only=True)
    monkeypatch.setitem(declare._by_name, MOVED, msgspec.structs.replace(current, struct=struct))


def test_a_field_with_a_default_takes_one_more_sample(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = [(field.name, field.type) for field in msgspec.structs.fields(declare._by_name[MOVED].struct)]
    declare_moved(monkeypatch, *fields, ("reason", str, ""))
    assert sample_errors(samples) == ["orders.order.moved is no longer written as its newest sample: add 2.json"]
    add_sample(samples, 2, b'"version": 2', b'"version": 2,\n  "reason": "WEATHER"')
    assert list_new_samples(samples) == []
    assert sample_errors(samples) == []


def test_a_sample_is_decoded_while_logs_may_have_its_events_and_for_ever_if_it_was_released(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare_moved(monkeypatch, ("order_id", str), ("reason", str))
    added = next(one.added for one in listed_samples(samples) if one.name == f"{MOVED}/1.json")
    error = f"{MOVED}/1.json is no longer decoded: Object missing required field `reason`"
    assert sample_errors(samples, added + RETENTION) == [error]
    later = added + RETENTION + dt.timedelta(days=1)
    (samples / MOVED / "2.json").write_bytes(b'{"orderId": "order_1", "reason": "WEATHER"}')
    assert list_new_samples(samples, later) == []
    assert sample_errors(samples, later) == []
    assert sample_errors(samples, later, release=added) == [error]
    assert sample_errors(samples, later, release=added - dt.timedelta(days=1)) == []


def test_a_sample_of_an_event_that_was_removed_is_noticed(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(declare._by_name, MOVED)
    assert sample_errors(samples) == [f"{MOVED}/1.json is the sample of no event, but its events are in the logs"]


def test_the_first_release_is_the_oldest_dated_heading() -> None:
    assert first_release("# Changelog\n\n## Unreleased\n\n- since 2026-01-01\n") is None
    assert first_release("## Unreleased\n\n## 1.1.0 (2027-05-01)\n\n## [1.0.0] - 2027-03-01\n") == dt.date(2027, 3, 1)


@pytest.mark.parametrize("service", [IDENTITY, SITES, ORDERS, STATS, SUPPORT], ids=lambda service: service.name)
async def test_a_consumer_handles_every_sample_of_its_events(service: Any, make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(service)
    runtime: Any = harness
    for struct in service.handlers(runtime):
        files = samples_of(event_type_of(struct).name, SAMPLES)
        assert files
        for file in files:
            await harness.receive(msgspec.json.decode(file.read_bytes(), type=struct))
