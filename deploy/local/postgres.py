"""Embedded PostgreSQL: made once, started, asked whether it is ready."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.files import tail
from deploy.local.paths import Home
from deploy.local.postgres_layout import PostgresLayout, prepare_layout, wheel_programs
from deploy.local.processes import ChildProcess, spawn

SUPERUSER = "kierto"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    # A statement and a violated key hold personal data; neither goes to the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_INITDB_OPTIONS = (
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
)
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class EmbeddedPostgres:
    """The database server that every service has its database in."""

    name = "postgres"
    stop_signal = signal.SIGINT
    """`fast`: sessions are ended, a checkpoint is written."""
    last_signal = signal.SIGQUIT
    """`immediate`: as after a crash, repaired from the log at the next start."""

    def __init__(self, home: Home, port: int, password: str) -> None:
        self.log = home.log(self.name)
        self.port = port
        self._home = home
        self._password = password
        self._place: PostgresLayout | None = None

    @property
    def admin_url(self) -> str:
        """The superuser's, for tests that make databases of their own."""
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        """Make the programs reachable and the data folder, once."""
        self._place = prepare_layout(self._home)
        if not self._place.data.exists():
            self._init_data(self._place)

    def start(self) -> ChildProcess:
        assert self._place, "prepare() comes first"
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        return spawn(
            [self._place.programs / "postgres", "-D", self._place.data, "-p", str(self.port), *settings],
            self.log,
            _ENVIRONMENT,
            folder=self._place.data.parent,
            death_signal=self.last_signal,
            user=self._place.user,
        )

    def is_ready(self, pid: int) -> bool:
        """As pg_ctl does: the first line of postmaster.pid says whose it is, the eighth how far it is."""
        assert self._place, "prepare() comes first"
        with suppress(FileNotFoundError):
            lines = (self._place.data / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return False

    def make_databases(self, passwords: Iterable[tuple[str, str]]) -> None:
        """Give each service a role and a database that no other role can enter. (service, password) pairs."""
        script = "".join(_database(f"kierto_{service}", password) for service, password in passwords)
        server = ("-h", "127.0.0.1", "-p", str(self.port), "-U", SUPERUSER, "-d", "postgres")
        done = subprocess.run(
            [wheel_programs() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *server],
            input=script,
            env=_ENVIRONMENT | {"PGPASSWORD": self._password},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StackError(f"The databases could not be made in PostgreSQL:\n{done.stderr}")

    def _init_data(self, place: PostgresLayout) -> None:
        """initdb beside the final place, then a rename: a start that was cut short leaves nothing half made."""
        making, pwfile = place.data.with_name("data.new"), place.data.with_name("password")
        if making.exists():
            shutil.rmtree(making)
        making.mkdir(mode=0o700)
        pwfile.touch(mode=0o600)
        pwfile.write_text(self._password)
        if place.user:
            for path in (making, pwfile):
                os.chown(path, place.user.uid, place.user.gid)
        options = (f"--username={SUPERUSER}", f"--pwfile={pwfile}", *_INITDB_OPTIONS)
        try:
            with self.log.open("ab") as log:
                done = subprocess.run(
                    [place.programs / "initdb", "-D", making, *options],
                    cwd=place.data.parent,
                    env=_ENVIRONMENT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    user=place.user.uid if place.user else None,
                    group=place.user.gid if place.user else None,
                    extra_groups=[] if place.user else None,
                    check=False,
                )
        finally:
            pwfile.unlink()
        if done.returncode:
            raise StackError(f"PostgreSQL's data folder could not be made:\n{tail(self.log)}")
        making.rename(place.data)


def _database(name: str, password: str) -> str:
    """SQL that makes a role and its database unless they are there. Neither word needs quoting."""
    return f"""
SELECT 'CREATE ROLE {name} LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') \\gexec
ALTER ROLE {name} PASSWORD '{password}';
SELECT 'CREATE DATABASE {name} OWNER {name}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec
REVOKE ALL ON DATABASE {name}, postgres, template1 FROM PUBLIC;
"""


def delete_data(home: Home) -> None:
    """Delete the data, wherever it lies."""
    if (pointer := home.postgres / "place").exists():
        place = Path(pointer.read_text().strip())
        if (place / "home").is_file():
            shutil.rmtree(place)
    if home.postgres.exists():
        shutil.rmtree(home.postgres)
