"""The documents name files that exist, and a journey leads to each file once."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", ".kierto", "node_modules", ".git"} & set(path.relative_to(ROOT).parts)
)
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    links = _LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_a_journey_meets_each_file_once() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    journeys = text.partition("## Three journeys")[2].split("\n### ")[1:]
    assert len(journeys) == 3
    for journey in journeys:
        files = _LINK.findall(journey)
        assert len(files) > 10
        assert len(set(files)) == len(files)
