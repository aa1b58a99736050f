"""Folders that a command makes of committed sources, once: what is installed or compiled is kept until they change."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path


def build_once(sources: Path, folder: Path, *, files: str, by: Sequence[str]) -> Path:
    """``folder``, where ``sources`` were copied, and what belongs to them was made by a command.

    The command runs again only if one of the files (a pattern) is another than the last time. Processes that want the
    same wait for the first; CalledProcessError if the command fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    for file in sorted(one for one in sources.glob(files) if one.is_file()):
        digest.update(file.read_bytes())
    stamp = folder / ".made"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.copytree(sources, folder, dirs_exist_ok=True)
        if not stamp.exists() or stamp.read_text() != digest.hexdigest():
            subprocess.run(by, cwd=folder, check=True)
            stamp.write_text(digest.hexdigest())
    return folder
