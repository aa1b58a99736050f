"""Cache of what a command installs or compiles from committed sources, kept until the sources change."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path


def build_once(sources: Path, folder: Path, *, files: str, by: Sequence[str]) -> Path:
    """Copy ``sources`` to ``folder``, run the command there, and return the folder.

    The command runs again only if one of the files (a pattern) has changed. Processes that build the same folder wait
    for the first; raises CalledProcessError if the command fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    for file in sorted(path for path in sources.glob(files) if path.is_file()):
        digest.update(file.read_bytes())
    stamp = folder / ".made"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.copytree(sources, folder, dirs_exist_ok=True)
        if not stamp.exists() or stamp.read_text() != digest.hexdigest():
            subprocess.run(by, cwd=folder, check=True)
            stamp.write_text(digest.hexdigest())
    return folder
