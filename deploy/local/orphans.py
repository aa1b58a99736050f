"""Orphans of a killed supervisor: on Linux the kernel ends them with it, elsewhere the next start does."""

import json
import time

import psutil

from deploy.local.paths import Home


def end_orphans(home: Home) -> None:
    """End the processes of a former run's process table that still run. The caller holds the folder's lock.

    A process that started after the table was written has only a reused pid, and is killed alone.
    """
    table = home.process_table
    if not table.exists():
        return
    written = table.stat().st_mtime
    killed: list[psutil.Process] = []
    for pid in json.loads(table.read_text(encoding="utf-8")).values():
        try:
            process = psutil.Process(pid)
            if process.create_time() <= written:
                process.kill()
                killed.append(process)
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + 10
    while any(_is_alive(process) for process in killed) and time.monotonic() < deadline:
        time.sleep(0.02)
    table.unlink()


def _is_alive(process: psutil.Process) -> bool:
    """Tell whether a process runs. A zombie does not: it holds nothing, and may stay."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
