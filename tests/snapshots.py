"""Comparison of the code with the committed snapshots of its interfaces: the graph's schema and the events' samples.

``python -m tests.snapshots`` fails on a breaking change and on a stale snapshot; with ``--write`` it writes the schema
again, which a reviewer then sees as a diff.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from graphql import build_schema
from graphql.utilities import find_breaking_changes

from services.chassis.rpc.signature import signatures
from services.chassis.rpc.text_limits import unlimited_texts
from services.contracts.declare import EventType, events_of
from services.contracts.identity import Identity
from services.contracts.orders import Orders
from services.contracts.sites import Sites
from services.contracts.stats import Stats
from services.contracts.support import Support

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "services" / "contracts" / "samples"
SCHEMA = ROOT / "gateway" / "schema.graphql"
CONTRACTS: tuple[type, ...] = (Identity, Sites, Orders, Stats, Support)
SERVICES = ("identity", "sites", "orders", "stats", "support")


def every_event() -> list[EventType]:
    """List the event types of all services."""
    return [event_type for service in SERVICES for event_type in events_of(service)]


def sample_of(event_type: EventType) -> Path:
    """Return the path of an event's sample."""
    return SAMPLES / f"{event_type.name}.json"


def sample_errors() -> list[str]:
    """List the errors of samples: missing, left over, or no longer read and written as they stand."""
    known = {sample_of(event_type): event_type for event_type in every_event()}
    errors = [f"{file.name} is the sample of no event" for file in SAMPLES.glob("*.json") if file not in known]
    for file, event_type in known.items():
        if not file.exists():
            errors.append(f"{event_type.name} has no sample")
            continue
        try:
            event = msgspec.json.decode(file.read_bytes(), type=event_type.struct)
        except msgspec.ValidationError as error:
            errors.append(f"{event_type.name} no longer reads its sample: {error}")
            continue
        if msgspec.to_builtins(event) != msgspec.json.decode(file.read_bytes()):
            errors.append(f"{event_type.name} no longer writes its sample as it stands")
    return errors


def text_limit_errors(protocols: Iterable[type] = CONTRACTS) -> list[str]:
    """List the arguments that are texts without a limit: one such text is enough to keep a service busy."""
    return [
        f"{protocol.__name__}.{operation.python_name}: {path} has no TextLimit"
        for protocol in protocols
        for operation in signatures(protocol).values()
        for path in unlimited_texts(operation.arguments)
    ]


def schema_errors(committed: str, current: str) -> list[str]:
    """List the changes that break clients of the committed schema; else, that the schema file is stale."""
    breaking = find_breaking_changes(build_schema(committed), build_schema(current))
    if breaking:
        return [f"breaking: {change.description}" for change in breaking]
    return [] if committed == current else ["gateway/schema.graphql is not current"]


def current_schema() -> str:
    """Return the SDL of the schema in the code."""
    from gateway.schema.__main__ import schema_sdl

    return schema_sdl()


def main(arguments: list[str]) -> int:
    """Compare, or write; return the exit code, 1 if there are errors."""
    if "--write" in arguments:
        SCHEMA.write_text(current_schema(), encoding="utf-8")
        return 0
    committed = SCHEMA.read_text(encoding="utf-8")
    errors = [
        *text_limit_errors(),
        *sample_errors(),
        *schema_errors(committed, current_schema()),
    ]
    for error in errors:
        sys.stdout.write(f"{error}\n")
    if errors:
        sys.stdout.write("If that is meant: python -m tests.snapshots --write\n")
    return 1 if errors else 0


def pretty(value: Any) -> bytes:
    """Encode a sample as it is committed."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
