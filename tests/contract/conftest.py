"""Fixtures of the tests of contracts."""

import shutil
from pathlib import Path

import pytest

from tests.contract.event_samples import SAMPLES


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Return a copy of the samples and schemas, to be changed."""
    return Path(shutil.copytree(SAMPLES, tmp_path / "samples"))
