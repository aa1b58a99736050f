"""The broker of a stack in a test's own hands: killed, emptied, cut to half, started again when the test says so."""

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
        """Start it, made new if need be; seconds until it was ready. From the main thread: it ends with its thread."""
        begun = time.monotonic()
        self._kafka.prepare(cluster_id)
        self._running = self._kafka.start()
        while not self._kafka.is_ready(self._running.pid):
            assert self._running.poll() is None, self._kafka.log_tail()
            assert time.monotonic() < begun + 60, self._kafka.log_tail()
            time.sleep(0.02)
        return time.monotonic() - begun

    def kill(self) -> None:
        """``kill -9``, and wait for its end."""
        self._signal_and_wait(signal.SIGKILL)

    def stop(self) -> None:
        """Let it close its files, and wait for its end."""
        if self._running is not None:
            self._signal_and_wait(signal.SIGTERM)

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing is answered."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._running is not None
        self._running.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """Delete all that it holds, while it is down."""
        assert self._running is None
        shutil.rmtree(self._home.kafka)

    def truncate_to_half(self) -> int:
        """Delete the second half of each partition of each topic, while it is down; bytes that are gone.

        What Kafka notes beside its segments is deleted with it, so that it reads them again and ends each at its last
        whole batch.
        """
        assert self._running is None
        gone = 0
        logs = self._home.kafka / "logs"
        for note in ("recovery-point-offset-checkpoint", "replication-offset-checkpoint", ".kafka_cleanshutdown"):
            (logs / note).unlink(missing_ok=True)
        for folder in logs.glob("*-[0-9]*"):
            if folder.name.startswith(_INTERNAL_TOPICS):
                continue
            for beside in (*folder.glob("*.*index"), *folder.glob("*.snapshot"), folder / "leader-epoch-checkpoint"):
                beside.unlink(missing_ok=True)
            for segment in folder.glob("*.log"):
                whole = segment.stat().st_size
                with segment.open("r+b") as file:
                    file.truncate(whole // 2)
                gone += whole - whole // 2
        return gone

    def _signal_and_wait(self, number: signal.Signals) -> None:
        assert self._running is not None
        self._running.send_signal(number)
        end = time.monotonic() + 30
        while self._running.poll() is None:
            if time.monotonic() > end:
                self._running.send_signal(signal.SIGKILL)
            time.sleep(0.01)
        self._running = None
