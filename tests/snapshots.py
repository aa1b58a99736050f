"""Comparison of the code with the committed snapshots of its interfaces: the graph, the events with their
samples, the permissions, and the changes of the graph since its release.

``python -m tests.snapshots`` fails on a breaking change and on a stale snapshot; with ``--write`` it writes the schemas
again, which a reviewer then sees as a diff, and lists new samples. ``--accept-breaking`` accepts breaking changes of
events that the changelog names, until the first release.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from graphql import build_schema
from graphql.utilities import find_breaking_changes

from services.chassis.rpc.signature import signatures
from services.chassis.rpc.text_limits import unlimited_texts
from services.contracts.identity.operations import Identity
from services.contracts.orders.operations import Orders
from services.contracts.sites import Sites
from services.contracts.stats import Stats
from services.contracts.support.operations import Support
from tests.contract.event_samples import CHANGELOG, first_release, list_new_samples, sample_errors
from tests.contract.event_schemas import event_schema_errors, write_event_schemas
from tests.contract.graph_changes import graph_changelog_errors, write_graph_changelog
from tests.contract.permission_table import permission_table_errors, write_permission_table

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "gateway" / "schema.graphql"
CONTRACTS: tuple[type, ...] = (Identity, Sites, Orders, Stats, Support)


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


def errors() -> list[str]:
    """List all differences between the code and its snapshots."""
    release = first_release(CHANGELOG.read_text(encoding="utf-8"))
    return [
        *text_limit_errors(),
        *sample_errors(release=release),
        *event_schema_errors(),
        *permission_table_errors(CONTRACTS),
        *graph_changelog_errors(current_schema(), CHANGELOG.read_text(encoding="utf-8")),
        *schema_errors(SCHEMA.read_text(encoding="utf-8"), current_schema()),
    ]


def write(*, accept_breaking: bool) -> list[str]:
    """Write the snapshots; return the reasons why some are not written."""
    SCHEMA.write_text(current_schema(), encoding="utf-8")
    write_permission_table(CONTRACTS)
    write_graph_changelog(current_schema())
    return [*write_event_schemas(accept_breaking=accept_breaking), *list_new_samples()]


def main() -> int:
    """Compare, or write; return the exit code, 1 if there are errors."""
    parser = argparse.ArgumentParser(prog="python -m tests.snapshots")
    parser.add_argument("--write", action="store_true", help="write the schemas again, and list new samples")
    parser.add_argument("--accept-breaking", action="store_true", help="with --write: also breaking changes of events")
    options = parser.parse_args()
    found = write(accept_breaking=options.accept_breaking) if options.write else errors()
    for error in found:
        sys.stdout.write(f"{error}\n")
    if found and not options.write:
        sys.stdout.write("If that is meant: python -m tests.snapshots --write\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
