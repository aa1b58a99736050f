"""JSON Schemas (2020-12) of the events' data, committed beside their samples as ``schema.json``.

A changed event gets its schema written again. A breaking change is refused: others read these events, and a build reads
those of the log. Until the first release it is accepted if the changelog says it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from services.contracts.declare import EventType
from tests.contract.event_samples import CHANGELOG, SAMPLES, every_event, first_release
from tests.contract.schema_changes import find_changes

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILE = "schema.json"
_UNRELEASED = "## Unreleased"


def event_schema(event_type: EventType) -> dict[str, Any]:
    """Return the schema of an event's data."""
    return {"$schema": DIALECT, **msgspec.json.schema(event_type.struct)}


def committed_schemas(folder: Path = SAMPLES) -> dict[str, dict[str, Any]]:
    """Return the committed schemas by the events' types."""
    return {file.parent.name: msgspec.json.decode(file.read_bytes()) for file in sorted(folder.glob(f"*/{FILE}"))}


def current_schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas of the events in the code by their types."""
    return {event_type.name: event_schema(event_type) for event_type in every_event()}


def breaking_changes(folder: Path = SAMPLES) -> Iterator[tuple[str, str]]:
    """Yield each breaking change: the event's type, and the change."""
    current = current_schemas()
    for name, committed in committed_schemas(folder).items():
        if name not in current:
            yield name, "the event was removed"
            continue
        for change in find_changes(committed, current[name]):
            if change.breaking:
                yield name, f"{change.place}: {change.text}"


def event_schema_errors(folder: Path = SAMPLES) -> list[str]:
    """List the breaking changes of events; else the schemas that are not current, with their changes."""
    if breaking := list(breaking_changes(folder)):
        return [f"breaking: {name} {change}" for name, change in breaking]
    committed, errors = committed_schemas(folder), []
    for name, schema in current_schemas().items():
        if name not in committed:
            errors.append(f"{name} has no {FILE}")
        elif schema != committed[name]:
            changes = [f"{change.place}: {change.text}" for change in find_changes(committed[name], schema)]
            errors.append(f"{name}/{FILE} is not current: {', '.join(changes) or 'another description'}")
    return errors


def write_event_schemas(
    folder: Path = SAMPLES, *, accept_breaking: bool = False, changelog: str | None = None
) -> list[str]:
    """Write the schemas, unless a change breaks and is not accepted; return the reasons why it is not.

    A breaking change is accepted before the first release if the changelog's unreleased part names the event.
    """
    changelog = CHANGELOG.read_text(encoding="utf-8") if changelog is None else changelog
    unreleased = changelog.partition(_UNRELEASED)[2].partition("\n## ")[0]
    refusals = []
    for name, change in breaking_changes(folder):
        if first_release(changelog) is not None:
            refusals.append(f"breaking: {name} {change}; since the first release it takes a new event")
        elif not accept_breaking:
            refusals.append(f"breaking: {name} {change}; to accept it: --accept-breaking")
        elif f"`{name}`" not in unreleased:
            refusals.append(f"breaking: {name} {change}; CHANGELOG.md has no line with `{name}` under Unreleased")
    if refusals:
        return refusals
    current = current_schemas()
    for name in committed_schemas(folder).keys() - current.keys():
        (folder / name / FILE).unlink()
    for name, schema in current.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n")
    return []
