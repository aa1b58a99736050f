"""PostgreSQL, Valkey and Kafka, the servers that the stack embeds."""

import os
import subprocess
import sys

from deploy.local.environment import StackEnvironment
from deploy.local.errors import StackError
from deploy.local.kafka import EmbeddedKafka
from deploy.local.kafka_install import is_installed
from deploy.local.paths import CLONE
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.supervisor import Component
from deploy.local.valkey import EmbeddedValkey


class Infrastructure:
    """The embedded servers, without those that the caller replaced by a real one."""

    def __init__(self, environment: StackEnvironment) -> None:
        home, ports, self._secrets = environment.home, environment.ports, environment.secrets
        self.postgres = EmbeddedPostgres(home, ports.of("postgres"), self._secrets.postgres_password)
        self.valkey = EmbeddedValkey(home, ports.of("valkey"))
        self.kafka = EmbeddedKafka(home, ports.of("kafka"), ports.of("kafka-controller"))
        everything: list[EmbeddedPostgres | EmbeddedValkey | EmbeddedKafka] = [self.postgres, self.valkey, self.kafka]
        self._embedded = [part for part in everything if environment.embeds(part.name)]

    @property
    def components(self) -> list[Component]:
        return list(self._embedded)

    def prepare(self) -> None:
        """Install Kafka and make the data folders, at the first start."""
        if self.kafka in self._embedded and not is_installed():
            _install_kafka()
        for part in self._embedded:
            part.prepare()

    def make_databases(self) -> None:
        """Make the services' databases; PostgreSQL must be ready."""
        if self.postgres in self._embedded:
            owners, runtimes = self._secrets.database_passwords, self._secrets.runtime_passwords
            self.postgres.make_databases((service, owners[service], runtimes[service]) for service in owners)


def _install_kafka() -> None:
    """Install Kafka in a process of its own: it uses threads, and this process is about to fork."""
    print("Fetching Kafka and preparing its start (once, half a minute) ...", flush=True)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "deploy.local.kafka_install"],
        env=os.environ | {"PYTHONPATH": str(CLONE)},
        check=False,
    )
    if done.returncode:
        raise StackError("Kafka could not be put in place.")
