"""A broker that a test controls: it kills, empties, truncates and restarts it."""

import shutil
import signal
import time
from pathlib import Path

from deploy.local.kafka import EmbeddedKafka
from deploy.local.paths import Home
from deploy.local.processes import ChildProcess

_INTERNAL_TOPICS = ("__cluster_metadata", "__consumer_offsets", "__transaction_state")


class ControlledBroker:
    """One Kafka with its data in ``home``. ``proxied``: a second port, and the port of the proxy before it."""

    def __init__(self, home: Path, port: int, controller_port: int, proxied: tuple[int, int] | None = None) -> None:
        self._home = Home(home)
        self._home.make()
        self._kafka = EmbeddedKafka(self._home, port, controller_port, proxied=proxied)
        self._running: ChildProcess | None = None
        self.address = f"127.0.0.1:{port}"

    @property
    def cluster_id(self) -> str:
        return (self._home.kafka / "cluster-id").read_text()

    def start(self, cluster_id: str = "") -> float:
        """Start it in the main thread, which it ends with; return the seconds until it was ready."""
        started_at = time.monotonic()
        self._kafka.prepare(cluster_id)
        self._running = self._kafka.start()
        while not self._kafka.is_ready(self._running.pid):
            assert self._running.poll() is None, self._kafka.log_tail()
            assert time.monotonic() < started_at + 60, self._kafka.log_tail()
            time.sleep(0.02)
        return time.monotonic() - started_at

    def ensure_running(self) -> None:
        """Start it if it is stopped, and continue it if it is suspended, as a failed test left it."""
        if self._running is None:
            self.start()
        else:
            self.resume()

    def kill(self) -> None:
        """Kill it with SIGKILL, and wait for its end."""
        self._signal_and_wait(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it with SIGTERM, and wait for its end."""
        if self._running is not None:
            self._signal_and_wait(signal.SIGTERM)

    def pause(self) -> None:
        """Send SIGSTOP: connections stay open without responses."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT."""
        assert self._running is not None
        self._running.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """Delete all its data, while it is stopped."""
        assert self._running is None
        shutil.rmtree(self._home.kafka)

    def truncate_to_half(self) -> int:
        """Delete the second half of each partition, while it is stopped; return the number of deleted bytes.

        Kafka's files beside the segments are deleted, too, so that it reads the segments again and truncates each after
        its last whole batch.
        """
        assert self._running is None
        deleted = 0
        logs = self._home.kafka / "logs"
        for name in ("recovery-point-offset-checkpoint", "replication-offset-checkpoint", ".kafka_cleanshutdown"):
            (logs / name).unlink(missing_ok=True)
        for folder in logs.glob("*-[0-9]*"):
            if folder.name.startswith(_INTERNAL_TOPICS):
                continue
            for file in (*folder.glob("*.*index"), *folder.glob("*.snapshot"), folder / "leader-epoch-checkpoint"):
                file.unlink(missing_ok=True)
            for segment in folder.glob("*.log"):
                size = segment.stat().st_size
                with segment.open("r+b") as log:
                    log.truncate(size // 2)
                deleted += size - size // 2
        return deleted

    def _signal_and_wait(self, number: signal.Signals) -> None:
        assert self._running is not None
        self._running.send_signal(number)
        deadline = time.monotonic() + 60
        while self._running.poll() is None:
            if time.monotonic() > deadline:
                self._running.send_signal(signal.SIGKILL)
            time.sleep(0.01)
        self._running = None
