"""Tests of orphans: the next start ends the processes of a killed supervisor, and no others."""

import json
import os
import subprocess
from pathlib import Path

from deploy.local.orphans import end_orphans
from deploy.local.paths import Home


def test_a_process_of_the_table_is_ended_and_a_later_one_is_not(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    with subprocess.Popen(["/bin/sleep", "600"]) as orphan, subprocess.Popen(["/bin/sleep", "600"]) as unrelated:
        ended_pid = 2**22 + 1  # above the largest pid
        home.process_table.write_text(json.dumps({"orphan": orphan.pid, "ended": ended_pid}))
        end_orphans(home)
        assert orphan.wait(10) == -9
        assert not home.process_table.exists()

        home.process_table.write_text(json.dumps({"reused": unrelated.pid}))
        os.utime(home.process_table, (1, 1))
        end_orphans(home)
        assert unrelated.poll() is None
        unrelated.kill()


def test_without_a_table_there_is_nothing_to_do(tmp_path: Path) -> None:
    end_orphans(Home(tmp_path))
