"""Kafka's jars, as named in `kafka.lock`, each checked by its SHA-256 sum.

`python -m deploy.local.kafka_jars` resolves the lock file again, after REQUIRED was changed.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.errors import StackError
from deploy.local.files import write_atomically
from deploy.local.paths import KAFKA

if TYPE_CHECKING:
    from jgo.maven import MavenContext

REQUIRED = (("org.apache.kafka", "kafka_2.13", "4.3.0"), ("org.slf4j", "slf4j-simple", "1.7.36"))
LOCK_FILE = Path(__file__).with_name("kafka.lock")
JARS = KAFKA / "jars"
_ATTEMPTS = 3


@dataclass(frozen=True)
class Jar:
    """One line of the lock file: `group:artifact:version sha256`."""

    group: str
    artifact: str
    version: str
    sha256: str

    @classmethod
    def read(cls, line: str) -> "Jar":
        name, sha256 = line.split()
        group, artifact, version = name.split(":")
        return cls(group, artifact, version, sha256)

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version} {self.sha256}"


def locked() -> list[Jar]:
    """List the jars of the lock file, in its order."""
    lines = LOCK_FILE.read_text(encoding="utf-8").splitlines()
    return [Jar.read(line) for line in lines if line and not line.startswith("#")]


def jars() -> list[Path]:
    """List the paths of the locked jars, in the order of the class path."""
    return [JARS / jar.file_name for jar in locked()]


def missing(folder: Path = JARS, wanted: Iterable[Jar] | None = None) -> list[Jar]:
    """List the jars that are not in the folder yet. A jar in the folder was checked before it was moved there."""
    return [jar for jar in (locked() if wanted is None else wanted) if not (folder / jar.file_name).exists()]


def install(folder: Path = JARS) -> None:
    """Fetch the missing jars, several at a time. Only a jar with the right sum gets into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = missing(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent) as staging, ThreadPoolExecutor(8) as pool:
        context = _repository(Path(staging))
        for _ in pool.map(lambda jar: accept(jar, _fetch(context, jar), folder), wanted):
            pass
    for other in {path.name for path in folder.iterdir()} - {jar.file_name for jar in locked()}:
        (folder / other).unlink()


def accept(jar: Jar, fetched: Path, folder: Path) -> None:
    """Move a fetched jar into the folder; raise StackError if its sum is not the locked one."""
    checksum = sha256_of(fetched)
    if checksum != jar.sha256:
        fetched.unlink()
        raise StackError(
            f"{jar.file_name} is not the file that {LOCK_FILE.name} names, so it was deleted: its SHA-256 sum is "
            f"{checksum}, but should be {jar.sha256}. Try again; if it happens again, do not trust the network you are "
            "on."
        )
    fetched.replace(folder / jar.file_name)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _repository(cache: Path) -> "MavenContext":
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    return MavenContext(repo_cache=cache, remote_repos={"central": MAVEN_CENTRAL_URL}, timeout=30)


def _fetch(context: "MavenContext", jar: Jar) -> Path:
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for tried in range(1, _ATTEMPTS + 1):
        try:
            path: Path = artifact.resolve()
            return path
        except (OSError, RuntimeError) as problem:
            if artifact.cached_path:
                artifact.cached_path.unlink(missing_ok=True)  # jgo takes half a file for a whole one
            if tried == _ATTEMPTS:
                raise StackError(
                    f"{jar.file_name} of Kafka could not be fetched: {problem}\nThe first start needs the network; "
                    "start again when it is there. What was fetched is kept."
                ) from problem
    raise AssertionError("unreachable")


def _resolve() -> Iterator[Jar]:
    """Iterate over REQUIRED and all that it needs to run."""
    from jgo.parse import Coordinate

    with tempfile.TemporaryDirectory() as cache:
        context = _repository(Path(cache))
        inputs, others = context.resolver.resolve(
            [
                context.create_dependency(Coordinate(groupId=group, artifactId=name, version=version, scope="compile"))
                for group, name, version in REQUIRED
            ]
        )
        needed = [*inputs, *(other for other in others if other.scope in ("compile", "runtime"))]
        for dependency in needed:
            yield Jar(
                dependency.groupId, dependency.artifactId, dependency.version, sha256_of(dependency.artifact.resolve())
            )


def lock() -> None:
    """Write the lock file."""
    head = "# Kafka's jars, in the order of the class path. Made by `python -m deploy.local.kafka_jars`.\n"
    write_atomically(LOCK_FILE, head + "".join(f"{jar}\n" for jar in _resolve()))
    LOCK_FILE.chmod(0o644)


if __name__ == "__main__":
    lock()
