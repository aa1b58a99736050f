"""The graph's changelog tells breaking, dangerous and new apart, and the released schema belongs to a release."""

import hashlib
from pathlib import Path

import pytest

from tests.contract import graph_changes
from tests.contract.graph_changes import (
    graph_changelog,
    graph_changelog_errors,
    released_schema_errors,
    unaccepted_breaks,
    write_graph_changelog,
)


def released(schema: str) -> str:
    """Return the file of a released schema, as CONTRIBUTING says that it is made."""
    return f"# The schema of 1.0.0, sha256 {hashlib.sha256(schema.encode()).hexdigest()}\n{schema}"


BEFORE = released("type Query { state: State site: String } enum State { OPEN }\n")
AFTER = "type Query { state: State order: Order } enum State { OPEN CLOSED } type Order { id: ID! }\n"
RELEASES = "## Unreleased\n\n## 1.0.0 (2027-03-01)\n\n## 0.9.0 (2027-01-01)\n"


def test_changes_are_told_apart() -> None:
    document = graph_changelog(BEFORE, AFTER)
    breaking, dangerous, added = (document.partition(f"## {title}")[2] for title in ("Breaking", "Dangerous", "Added"))
    assert "- Field Query.site was removed." in breaking.partition("##")[0]
    assert "CLOSED" in dangerous.partition("##")[0]
    assert added.strip().splitlines() == ["- The field Query.order.", "- The type Order."]
    assert "Since 1.0.0." in document


def test_a_breaking_change_after_a_release_is_an_error() -> None:
    assert unaccepted_breaks(BEFORE, AFTER) == ["breaks clients of 1.0.0: Field Query.site was removed."]
    assert unaccepted_breaks(BEFORE, AFTER.replace("order: Order", "order: Order site: String")) == []


def test_before_the_first_release_nothing_is_breaking() -> None:
    empty = "# Nothing was released yet.\n"
    assert unaccepted_breaks(empty, AFTER) == []
    assert released_schema_errors(empty, "## Unreleased\n") == []
    assert "Nothing was released yet" in graph_changelog(empty, AFTER)


def test_the_released_schema_changes_with_a_release_alone() -> None:
    assert released_schema_errors(BEFORE, RELEASES) == []
    assert released_schema_errors(BEFORE, "## Unreleased\n")
    assert released_schema_errors(BEFORE, RELEASES.replace("1.0.0", "1.1.0"))
    assert released_schema_errors(released(""), RELEASES)
    assert released_schema_errors("type Query { a: Int }", "## Unreleased\n")


@pytest.mark.parametrize(("kept", "changed"), [("site: String", "site: Int"), ("}\n", "}\n\n"), ("type", "# A\ntype")])
def test_a_released_schema_that_was_changed_is_an_error(kept: str, changed: str) -> None:
    edited = BEFORE.replace(kept, changed)
    assert released_schema_errors(edited, RELEASES) == [
        "gateway/schema.released.graphql was changed since 1.0.0: its sha256 is another"
    ]


def test_a_stale_document_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = graph_changelog_errors(AFTER, "## 1.0.0 (2027-03-01)\n")
    assert found == ["gateway/schema.released.graphql is of no release, the changelog's newest is 1.0.0"]
    monkeypatch.setattr(graph_changes, "DOCUMENT", tmp_path / "changelog.md")
    (tmp_path / "changelog.md").write_text("stale")
    assert graph_changelog_errors(AFTER, "## Unreleased\n") == ["docs/graph-changelog.md is not current"]
    write_graph_changelog(AFTER)
    assert graph_changelog_errors(AFTER, "## Unreleased\n") == []
