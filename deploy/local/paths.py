"""Paths of a stack: one folder for all its files, and one for the programs that stacks share."""

import shutil
from dataclasses import dataclass
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
DEFAULT_HOME = CLONE / ".kierto"
KAFKA = CLONE / ".kierto" / "kafka"
"""Kafka's jars. They follow the clone's lock file and hold no data, so every stack of the clone shares them."""


@dataclass(frozen=True)
class Home:
    """One stack's folder."""

    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Files of a running stack: the lock, the process table."""
        return self.root / "run"

    @property
    def lock(self) -> Path:
        return self.run / "lock"

    @property
    def process_table(self) -> Path:
        return self.run / "processes.json"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def signing_key(self) -> Path:
        return self.secrets / "identity-signing-key.jwk"

    def key_ring(self, service: str) -> Path:
        """Return the file of the keys that seal a service's secrets."""
        return self.secrets / f"{service}-key-ring.json"

    @property
    def files(self) -> Path:
        """The services' files, in a folder for each."""
        return self.root / "files"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka-data"

    @property
    def mailbox(self) -> Path:
        return self.root / "mailbox"

    @property
    def clock(self) -> Path:
        return self.root / "clock"

    def make(self) -> None:
        """Make the folders, readable by their owner only: logs, mail and files hold personal data."""
        for folder in (self.root, self.logs, self.run, self.mailbox, self.files):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def delete(self) -> None:
        """Delete the stack's files, and no others in the folder."""
        for path in (
            self.postgres,
            self.kafka,
            self.mailbox,
            self.files,
            self.secrets,
            self.logs,
            self.clock,
            self.root / "demo",
            self.run,
        ):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        if self.root.is_dir() and not any(self.root.iterdir()):
            self.root.rmdir()
