"""Tests of the folder's lock: one stack a folder, and it is released when its holder ends."""

import os
import signal
from pathlib import Path

import pytest

from deploy.local.errors import StackError
from deploy.local.lock import FolderLock, Holder, holder_of, wait_until_free
from deploy.local.paths import Home
from deploy.local.processes import fork
from tests.support.polling import wait_for


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.make()
    return home


def test_a_second_stack_in_the_folder_is_refused(home: Home) -> None:
    lock = FolderLock(home)
    lock.acquire(8700)

    with pytest.raises(StackError, match=rf"already \(pid {os.getpid()}, ports from 8700 on\)"):
        FolderLock(home).acquire(9700)

    lock.release()
    assert holder_of(home) is None
    FolderLock(home).acquire(9700)


def test_a_killed_holder_holds_nothing(home: Home) -> None:
    def hold() -> int:
        FolderLock(home).acquire(8700)
        signal.pause()
        return 0

    child = fork(hold, home.log("holder"), {})
    wait_for(lambda: holder_of(home) == Holder(child.pid, 8700))

    child.send_signal(signal.SIGKILL)

    assert wait_until_free(home, 10)
    wait_for(lambda: child.poll() is not None)


def test_a_missing_folder_has_no_holder(tmp_path: Path) -> None:
    assert holder_of(Home(tmp_path / "nowhere")) is None
