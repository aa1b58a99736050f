"""Processes that a killed supervisor left behind: on Linux the kernel ends them with it, elsewhere the next start."""

import json
import time

import psutil

from deploy.local.paths import Home


def end_orphans(home: Home) -> None:
    """End what the process table of a former run names and is still there. The caller holds the folder's lock.

    A process that began after the table was written only has an old one's number, and is left alone.
    """
    table = home.process_table
    if not table.exists():
        return
    written = table.stat().st_mtime
    left: list[psutil.Process] = []
    for pid in json.loads(table.read_text(encoding="utf-8")).values():
        try:
            process = psutil.Process(pid)
            if process.create_time() <= written:
                process.kill()
                left.append(process)
        except psutil.NoSuchProcess:
            continue
    until = time.monotonic() + 10
    while any(_is_alive(process) for process in left) and time.monotonic() < until:
        time.sleep(0.02)
    table.unlink()


def _is_alive(process: psutil.Process) -> bool:
    """A zombie is not: where nobody buries it, it stays for ever and holds nothing."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
