"""Numbered samples of the events, ``services/contracts/samples/<type>/<number>.json``.

A sample stands for the events of its time in the logs, so it is never changed or deleted: ``sums.txt`` has a line with
the SHA-256 sum and the date of each, to which lines are only added. A changed event gets one more sample.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.contracts import identity, orders, sites, stats, support
from services.contracts.declare import EventType, event_type_named, events_of

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "services" / "contracts" / "samples"
CHANGELOG = ROOT / "CHANGELOG.md"
SERVICES = tuple(module.__name__.rpartition(".")[2] for module in (identity, sites, orders, stats, support))
RETENTION = dt.timedelta(days=90)
"""The time for which a log and its topic keep an event."""
SUMS = "sums.txt"
_SAMPLE_FILE = re.compile(r"(\d+)\.json")
_RELEASE = re.compile(r"^## \S*\d\S*.*?(\d{4}-\d\d-\d\d)", re.MULTILINE)


class Sample(msgspec.Struct, frozen=True):
    """A sample as ``sums.txt`` lists it."""

    digest: str
    """The SHA-256 sum of the file, in hexadecimal."""
    added: dt.date
    name: str
    """The event's type and the number: ``orders.order.placed/1.json``."""

    @property
    def event(self) -> str:
        return self.name.partition("/")[0]

    def must_decode(self, today: dt.date, release: dt.date | None) -> bool:
        """Return whether logs may have events like it, or it was published with the first release."""
        return today - self.added <= RETENTION or (release is not None and self.added <= release)


def every_event() -> list[EventType]:
    """List the event types of all services."""
    return [event_type for service in SERVICES for event_type in events_of(service)]


def first_release(changelog: str) -> dt.date | None:
    """Return the date of the oldest release in a changelog (``## 1.0.0 (2027-03-01)``); None before it."""
    dates = [dt.date.fromisoformat(date) for date in _RELEASE.findall(changelog)]
    return min(dates, default=None)


def listed_samples(folder: Path = SAMPLES) -> list[Sample]:
    """Read the list of samples."""
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    return [Sample(digest, dt.date.fromisoformat(added), name) for digest, added, name in map(str.split, lines)]


def samples_of(event: str, folder: Path = SAMPLES) -> list[Path]:
    """Return the samples of an event type, by their number."""
    files = [file for file in (folder / event).glob("*.json") if _SAMPLE_FILE.fullmatch(file.name)]
    return sorted(files, key=lambda file: int(file.stem))


def newest_sample(event_type: EventType, folder: Path = SAMPLES) -> Path:
    """Return the sample of an event type as it is now."""
    return samples_of(event_type.name, folder)[-1]


def sample_errors(folder: Path = SAMPLES, today: dt.date | None = None, release: dt.date | None = None) -> list[str]:
    """List the errors of samples: changed, unlisted, missing, or no longer decoded."""
    today = today or dt.datetime.now(dt.UTC).date()
    listed = listed_samples(folder)
    required = [sample for sample in listed if sample.must_decode(today, release)]
    unlisted = unlisted_samples(listed, folder)
    return [
        *(f"{name} is not listed in {SUMS}" for name in unlisted),
        *(error for sample in listed for error in _sum_errors(sample, folder)),
        *(
            error
            for name in [*(sample.name for sample in required), *unlisted]
            for error in _decode_errors(folder / name)
        ),
        *(error for event_type in every_event() for error in _series_errors(event_type, folder)),
    ]


def unlisted_samples(listed: Sequence[Sample], folder: Path = SAMPLES) -> list[str]:
    """Return the names of the samples that are not listed."""
    names = {sample.name for sample in listed}
    events = sorted(path.name for path in folder.iterdir() if path.is_dir())
    found = [f"{event}/{file.name}" for event in events for file in samples_of(event, folder)]
    return [name for name in found if name not in names]


def list_new_samples(folder: Path = SAMPLES, today: dt.date | None = None) -> list[str]:
    """Add the samples that are not listed to the list, with today's date; return the errors for which none is added."""
    today = today or dt.datetime.now(dt.UTC).date()
    names = unlisted_samples(listed_samples(folder), folder)
    errors = [error for name in names for error in _decode_errors(folder / name)]
    errors += [error for event_type in every_event() for error in _series_errors(event_type, folder)]
    if errors:
        return errors
    with (folder / SUMS).open("a", encoding="utf-8") as sums:
        sums.writelines(f"{_digest(folder / name)}  {today}  {name}\n" for name in names)
    return []


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _sum_errors(sample: Sample, folder: Path) -> list[str]:
    file = folder / sample.name
    if not file.exists() or _digest(file) != sample.digest:
        return [f"{sample.name} was changed or deleted: restore it, and add a sample with the next number"]
    return []


def _decode_errors(file: Path) -> list[str]:
    name = f"{file.parent.name}/{file.name}"
    event_type = event_type_named(file.parent.name)
    if event_type is None:
        return [f"{name} is the sample of no event, but its events are in the logs"]
    try:
        msgspec.json.decode(file.read_bytes() if file.exists() else b"", type=event_type.struct)
    except msgspec.DecodeError as error:
        return [f"{name} is no longer decoded: {error}"]
    return []


def _series_errors(event_type: EventType, folder: Path) -> list[str]:
    """List what is wrong with the numbers of an event's samples, and with the newest one."""
    files = samples_of(event_type.name, folder)
    names = {file.name for file in files}
    missing = [number for number in range(1, max(len(files), 1) + 1) if f"{number}.json" not in names]
    if missing:
        return [f"{event_type.name} has no sample {missing[0]}"]
    try:
        event = msgspec.json.decode(files[-1].read_bytes(), type=event_type.struct)
    except msgspec.DecodeError:
        return []  # _decode_errors has it
    if msgspec.to_builtins(event) != msgspec.json.decode(files[-1].read_bytes()):
        return [f"{event_type.name} is no longer written as its newest sample: add {len(files) + 1}.json"]
    return []
