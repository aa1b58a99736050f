"""Embedded PostgreSQL: its data folder, its process, its databases."""

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
SETTINGS = {
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
    """Database server of all services."""

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
        self._layout: PostgresLayout | None = None

    @property
    def admin_url(self) -> str:
        """URL of the superuser, for tests that make databases."""
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        """Lay out the programs and make the data folder, once."""
        self._layout = prepare_layout(self._home)
        if not self._layout.data.exists():
            self._init_data(self._layout)

    def start(self) -> ChildProcess:
        assert self._layout, "prepare() comes first"
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        return spawn(
            [self._layout.programs / "postgres", "-D", self._layout.data, "-p", str(self.port), *settings],
            self.log,
            _ENVIRONMENT,
            folder=self._layout.data.parent,
            death_signal=self.last_signal,
            user=self._layout.user,
        )

    def is_ready(self, pid: int) -> bool:
        """Tell whether the server is ready, as pg_ctl does: line 1 of postmaster.pid is the pid, line 8 the state."""
        assert self._layout, "prepare() comes first"
        with suppress(FileNotFoundError):
            lines = (self._layout.data / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return False

    def make_databases(self, passwords: Iterable[tuple[str, str, str]]) -> None:
        """Make a database and two roles for each (service, owner's password, processes' password).

        No other role can connect to the database. Existing roles and databases are kept.
        """
        script = "".join(_database(f"kierto_{service}", *both) for service, *both in passwords)
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

    def _init_data(self, layout: PostgresLayout) -> None:
        """Run initdb beside the final folder, then rename: an interrupted start leaves nothing half made."""
        making, pwfile = layout.data.with_name("data.new"), layout.data.with_name("password")
        if making.exists():
            shutil.rmtree(making)
        making.mkdir(mode=0o700)
        pwfile.touch(mode=0o600)
        pwfile.write_text(self._password)
        if layout.user:
            for path in (making, pwfile):
                os.chown(path, layout.user.uid, layout.user.gid)
        options = (f"--username={SUPERUSER}", f"--pwfile={pwfile}", *_INITDB_OPTIONS)
        try:
            with self.log.open("ab") as log:
                done = subprocess.run(
                    [layout.programs / "initdb", "-D", making, *options],
                    cwd=layout.data.parent,
                    env=_ENVIRONMENT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    user=layout.user.uid if layout.user else None,
                    group=layout.user.gid if layout.user else None,
                    extra_groups=[] if layout.user else None,
                    check=False,
                )
        finally:
            pwfile.unlink()
        if done.returncode:
            raise StackError(f"PostgreSQL's data folder could not be made:\n{tail(self.log)}")
        making.rename(layout.data)


def _database(name: str, owner_password: str, runtime_password: str) -> str:
    """Return the SQL that makes a database, its owner and the role of the processes. No word needs quoting."""
    roles = "".join(
        f"""
SELECT 'CREATE ROLE {role} LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec
ALTER ROLE {role} PASSWORD '{password}';"""
        for role, password in ((name, owner_password), (f"{name}_runtime", runtime_password))
    )
    return f"""{roles}
SELECT 'CREATE DATABASE {name} OWNER {name}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec
REVOKE ALL ON DATABASE {name}, postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE {name} TO {name}_runtime;
"""


def delete_data(home: Home) -> None:
    """Delete the data, also outside the stack's folder."""
    if (pointer := home.postgres / "place").exists():
        folder = Path(pointer.read_text().strip())
        if (folder / "home").is_file():
            shutil.rmtree(folder)
    if home.postgres.exists():
        shutil.rmtree(home.postgres)
