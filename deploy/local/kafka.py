"""Embedded Apache Kafka: one node that is broker and controller (KRaft)."""

import base64
import signal
import socket
import struct
import subprocess
import uuid
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.files import tail, write_atomically
from deploy.local.java import java_command
from deploy.local.paths import Home
from deploy.local.processes import ChildProcess, spawn

_NODE_ID = 1


class EmbeddedKafka:
    """The broker of this stack."""

    name = "kafka"
    stop_signal = signal.SIGTERM
    last_signal = signal.SIGKILL

    def __init__(
        self,
        home: Home,
        port: int,
        controller_port: int,
        *,
        record_to: Path | None = None,
        proxied: tuple[int, int] | None = None,
    ) -> None:
        """`proxied`: a second port to listen on, and the port of the proxy before it, which is advertised."""
        self.log = home.log(self.name)
        self.port = port
        self._proxied = proxied
        self._controller_port = controller_port
        self._record_to = record_to
        self._folder = home.kafka
        self._properties = home.kafka / "server.properties"

    def prepare(self, cluster_id: str = "") -> None:
        """Format the data folder, once. The file with the cluster id in it marks that this was completed.

        `cluster_id`: 16 bytes in base64 without padding, for a new folder; empty makes one up.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        write_atomically(self._properties, self._settings())
        if (self._folder / "cluster-id").exists():
            return
        cluster_id = cluster_id or base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ("format", "--ignore-formatted", f"--cluster-id={cluster_id}", "-c", str(self._properties))
        done = subprocess.run(
            [*java_command("kafka.tools.StorageTool"), *arguments],
            capture_output=True,
            text=True,
            cwd=self._folder,
            check=False,
        )
        if done.returncode:
            raise StackError(f"Kafka's data folder could not be made:\n{done.stdout}{done.stderr}")
        write_atomically(self._folder / "cluster-id", cluster_id)

    def start(self) -> ChildProcess:
        return spawn(
            [*java_command("kafka.Kafka", record_to=self._record_to), self._properties],
            self.log,
            {"LC_ALL": "C.UTF-8"},
            folder=self._folder,
            death_signal=signal.SIGKILL,
        )

    def is_ready(self, pid: int) -> bool:
        """Tell whether the broker is ready: its response to Metadata lists it once the controller has unfenced it."""
        try:
            return count_brokers(self.port) > 0
        except OSError:
            return False

    def log_tail(self) -> str:
        return tail(self.log)

    def _settings(self) -> str:
        settings = {
            "process.roles": "broker,controller",
            "node.id": _NODE_ID,
            "controller.quorum.voters": f"{_NODE_ID}@127.0.0.1:{self._controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self._folder / "logs",
            "auto.create.topics.enable": "false",
            # One node, so one replica of everything that Kafka keeps for itself, and few partitions.
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 6,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 3,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 1,
            # Consumers start at once, and a killed broker is back in seconds.
            "group.initial.rebalance.delay.ms": 0,
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            # The laptop's share of threads.
            "num.network.threads": 2,
            "num.io.threads": 2,
            "background.threads": 2,
            "num.replica.fetchers": 1,
            "log.cleaner.dedupe.buffer.size": 8_388_608,
        }
        if self._proxied:
            port, proxy = self._proxied
            settings |= {
                "listeners": f"{settings['listeners']},PROXIED://127.0.0.1:{port}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port},PROXIED://127.0.0.1:{proxy}",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
                "inter.broker.listener.name": "PLAINTEXT",
            }
        return "".join(f"{name}={value}\n" for name, value in settings.items())


def count_brokers(port: int) -> int:
    """Return the number of brokers in a Metadata response (v1, no topics); raise OSError if there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        header = struct.pack(">hhih", 3, 1, 0, -1)  # api key, version, correlation id, no client id
        topics = struct.pack(">i", 0)
        connection.sendall(struct.pack(">i", len(header + topics)) + header + topics)
        with connection.makefile("rb") as response:
            start = response.read(12)  # size, correlation id, number of brokers
    if len(start) < 12:
        raise ConnectionError("the broker hung up")
    (count,) = struct.unpack(">i", start[8:12])
    return int(count)
