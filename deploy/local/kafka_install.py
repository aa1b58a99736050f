"""Installation of Kafka, once: its jars, and a first run on throw-away data that records the class cache.

`python -m deploy.local.kafka_install` is run by the first start, in a process of its own.
"""

import fcntl
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from deploy.local import kafka_jars
from deploy.local.errors import StackError
from deploy.local.files import write_atomically
from deploy.local.java import CACHE, java
from deploy.local.kafka import EmbeddedKafka
from deploy.local.paths import KAFKA, Home
from deploy.local.ports import free_base

_STAMP = KAFKA / "installed"


def is_installed() -> bool:
    """Tell whether all is installed for this lock file, this Java and this folder."""
    with suppress(FileNotFoundError):
        return _STAMP.read_text(encoding="utf-8") == _fingerprint() and not kafka_jars.missing()
    return False


def install() -> None:
    """Fetch the jars and record the class cache, unless another stack of this clone just did."""
    KAFKA.mkdir(parents=True, exist_ok=True)
    with (KAFKA / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_installed():
            return
        _STAMP.unlink(missing_ok=True)
        kafka_jars.install()
        CACHE.unlink(missing_ok=True)
        _record_class_cache()
        write_atomically(_STAMP, _fingerprint())


def _fingerprint() -> str:
    return f"{kafka_jars.sha256_of(kafka_jars.LOCK_FILE)}\n{java().resolve()} {java().stat().st_size}\n{KAFKA}\n"


def _record_class_cache() -> None:
    """Run Kafka once and let Java write its cache. A failure is ignored: without the cache Kafka only starts slower."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.make()
        base = free_base(20000)
        kafka = EmbeddedKafka(home, base, base + 1, record_to=CACHE)
        kafka.prepare()
        running = kafka.start()
        try:
            deadline = time.monotonic() + 60
            while running.poll() is None and not kafka.is_ready(running.pid) and time.monotonic() < deadline:
                time.sleep(0.1)
            running.send_signal(kafka.stop_signal)
            while running.poll() is None and time.monotonic() < deadline + 60:
                time.sleep(0.1)
        finally:
            running.send_signal(kafka.last_signal)
            while running.poll() is None:
                time.sleep(0.01)
        if not CACHE.exists():
            print("Java made no start-up cache for Kafka; it will start more slowly.", kafka.log_tail(), sep="\n")


if __name__ == "__main__":
    try:
        install()
    except StackError as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(130)
