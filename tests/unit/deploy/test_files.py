"""Tests of the atomic writing of files."""

import os
import stat
from pathlib import Path

import pytest

from deploy.local.files import write_atomically

NOBODY = 65534


def test_a_file_is_replaced_and_stays_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_atomically(path, "first")
    before = path.stat()

    write_atomically(path, "second")

    after = path.stat()
    assert path.read_text() == "second"
    assert after.st_ino != before.st_ino
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (before.st_uid, before.st_gid, 0o600)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write another's file")
def test_root_leaves_a_file_to_the_user_that_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_atomically(path, "first")
    os.chown(path, NOBODY, NOBODY)

    write_atomically(path, "second")

    assert (path.stat().st_uid, path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (NOBODY, NOBODY, 0o600)
