"""The changes of the graph since its last release: ``docs/graph-changelog.md``, made from both schemas.

``gateway/schema.released.graphql`` is the schema of the last release, a copy of ``schema.graphql`` below a line with
the release and the copy's SHA-256. It has no schema before the first release, and changes with a new one alone.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from graphql import GraphQLSchema, build_schema, find_breaking_changes, find_dangerous_changes, is_specified_scalar_type

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "gateway" / "schema.released.graphql"
DOCUMENT = ROOT / "docs" / "graph-changelog.md"

_RELEASE = re.compile(r"^## (\d+\.\d+\.\d+) \(", re.MULTILINE)
_OF_RELEASE = re.compile(r"# The schema of (\d+\.\d+\.\d+), sha256 ([0-9a-f]{64})\n")
_INTRODUCTION = """# Changes of the graph

Made by `python -m tests.snapshots --write` from the schema of the last release and the present one. A breaking change
makes an operation invalid, or its answer another one, for clients of that release; a dangerous one can surprise a
client that does not expect it, such as a new value of an enum.
"""


def graph_changelog(released: str, current: str) -> str:
    """Return the document about the changes from the released schema to the current one."""
    if not _definitions(released):
        return f"{_INTRODUCTION}\nNothing was released yet: the graph may change in any way.\n"
    before, after = build_schema(released), build_schema(current)
    sections = {
        "Breaking": [change.description for change in find_breaking_changes(before, after)],
        "Dangerous": [change.description for change in find_dangerous_changes(before, after)],
        "Added": list(_additions(before, after)),
    }
    parts = [_INTRODUCTION, f"Since {_release_of(released)}.\n"]
    for title, changes in sections.items():
        lines = "".join(f"- {change}\n" for change in sorted(changes)) or "None.\n"
        parts.append(f"## {title}\n\n{lines}")
    return "\n".join(parts)


def released_schema_errors(released: str, changelog: str) -> list[str]:
    """List why a released schema is not that of the newest release in the changelog."""
    newest = next(iter(_RELEASE.findall(changelog)), None)
    named = _release_of(released)
    if named != newest:
        return [f"gateway/schema.released.graphql is of {named or 'no release'}, the changelog's newest is {newest}"]
    if bool(_definitions(released)) != (newest is not None):
        return ["gateway/schema.released.graphql has a schema without a release, or none of its release"]
    if not _is_unchanged(released):
        return [f"gateway/schema.released.graphql was changed since {named}: its sha256 is another"]
    return []


def unaccepted_breaks(released: str, current: str) -> list[str]:
    """List the breaking changes since the release."""
    if not _definitions(released):
        return []
    changes = find_breaking_changes(build_schema(released), build_schema(current))
    return [f"breaks clients of {_release_of(released)}: {change.description}" for change in changes]


def graph_changelog_errors(current: str, changelog: str) -> list[str]:
    """List what is wrong with the committed released schema and the committed document."""
    released = RELEASED.read_text(encoding="utf-8")
    errors = [*released_schema_errors(released, changelog), *unaccepted_breaks(released, current)]
    if not errors and DOCUMENT.read_text(encoding="utf-8") != graph_changelog(released, current):
        errors.append("docs/graph-changelog.md is not current")
    return errors


def write_graph_changelog(current: str) -> None:
    """Write the document; the released schema has no writer but whoever releases."""
    DOCUMENT.write_text(graph_changelog(RELEASED.read_text(encoding="utf-8"), current), encoding="utf-8")


def _release_of(released: str) -> str | None:
    found = _OF_RELEASE.match(released)
    return found[1] if found else None


def _is_unchanged(released: str) -> bool:
    found = _OF_RELEASE.match(released)
    return found is None or hashlib.sha256(released[found.end() :].encode()).hexdigest() == found[2]


def _definitions(released: str) -> str:
    return "\n".join(line for line in released.splitlines() if line.strip() and not line.startswith("#"))


def _additions(before: GraphQLSchema, after: GraphQLSchema) -> Iterator[str]:
    for name, kind in after.type_map.items():
        known = before.type_map.get(name)
        if is_specified_scalar_type(kind):
            continue
        if known is None:
            yield f"The type {name}."
            continue
        old = getattr(known, "fields", {})
        yield from (f"The field {name}.{field}." for field in getattr(kind, "fields", {}) if field not in old)
