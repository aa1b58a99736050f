"""Tests of `kierto up` from outside, with stubs of the services: every process, every way to stop."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local.paths import CLONE, Home
from deploy.local.ports import OFFSETS, Ports
from tests.integration.deploy import stub_services
from tests.support.polling import wait_for
from tests.support.servers import free_port_base

LISTENERS_WITHOUT_PROCESS = {"smtp", "kafka-controller", "support-bounces"}


@dataclass
class KiertoCommand:
    """The command `kierto`, with a folder and ports."""

    home: Home
    ports: Ports
    environment: dict[str, str]
    running: subprocess.Popen[str] | None = None

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*arguments), env=self.environment, capture_output=True, text=True, check=False, timeout=100
        )

    def up(self) -> None:
        """Start the stack and return when it is ready; its output goes to a file."""
        with self.output.open("w") as output:
            self.running = subprocess.Popen(
                self._command("up", "--no-demo"), env=self.environment, stdout=output, stderr=output, text=True
            )
        wait_for(lambda: "Ctrl-C stops" in self.output_text or self.ended, 100)
        assert not self.ended, self.output_text

    @property
    def output(self) -> Path:
        return self.home.root.with_name("output")

    @property
    def output_text(self) -> str:
        return self.output.read_text()

    @property
    def ended(self) -> bool:
        assert self.running
        return self.running.poll() is not None

    def pids(self) -> dict[str, int]:
        pids: dict[str, int] = json.loads(self.home.process_table.read_text())
        return pids

    def description_of(self, name: str) -> dict[str, Any]:
        description: dict[str, Any] = json.loads(_get(f"{self.ports.url(name)}/description"))
        return description

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-P", "-m", "deploy.cli", *arguments]


@pytest.fixture
def kierto(tmp_path: Path) -> Iterator[KiertoCommand]:
    home, base = Home(tmp_path / "home"), free_port_base()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KIERTO_")}
    environment["PYTHONPATH"] = f"{stub_services.build(tmp_path / 'stubs')}:{CLONE}"
    kierto = KiertoCommand(
        home, Ports(base), environment | {"KIERTO_HOME": str(home.root), "KIERTO_PORT_BASE": str(base)}
    )
    yield kierto
    kierto.run("reset", "--yes")
    if kierto.running:
        kierto.running.kill()
        kierto.running.wait()


def test_all_processes_run_are_restarted_and_stop(kierto: KiertoCommand) -> None:
    kierto.up()

    listeners = {name.removesuffix("-metrics") for name in OFFSETS}
    assert set(kierto.pids()) == listeners - LISTENERS_WITHOUT_PROCESS
    assert f"{kierto.ports.url('gateway')}/graphql" in kierto.output_text
    assert all(secret not in kierto.output_text for secret in _secrets(kierto.home))
    assert kierto.run("status").returncode == 0

    _check_children(kierto)
    _check_restart(kierto, "orders-worker")
    _check_restart(kierto, "valkey")
    _check_mailbox(kierto)
    _check_second_start(kierto)

    pids = kierto.pids().values()
    assert kierto.run("down").stdout == "Stopped.\n"
    assert kierto.running
    assert kierto.running.wait(10) == 0
    assert not any(_is_alive(pid) for pid in pids)
    assert kierto.run("status").returncode == 1


def test_it_starts_again_after_its_supervisor_was_killed(kierto: KiertoCommand) -> None:
    kierto.up()
    assert kierto.running
    pids = list(kierto.pids().values())

    kierto.running.kill()
    kierto.running.wait()
    if sys.platform == "linux":
        wait_for(lambda: not any(_is_alive(pid) for pid in pids))
    kierto.up()

    assert kierto.run("status").returncode == 0
    kierto.running.send_signal(signal.SIGINT)
    assert kierto.running.wait(60) == 0


def test_a_migration_that_fails_ends_the_start_and_shows_why(kierto: KiertoCommand) -> None:
    kierto.environment["KIERTO_ORDERS_MIGRATION_FAILS"] = "3"

    done = kierto.run("up")

    assert done.returncode == 1
    assert "migrate ended with exit code 3." in done.stderr
    assert "migrating orders" in done.stderr
    assert "migrating stats" not in done.stderr
    assert not kierto.home.process_table.exists()


def test_a_port_in_use_is_reported_before_anything_starts(kierto: KiertoCommand) -> None:
    with socket.create_server(("127.0.0.1", kierto.ports.of("kafka"))):
        done = kierto.run("up")

    assert done.returncode == 1
    assert f"{kierto.ports.of('kafka')} for kafka (KIERTO_PORT_BASE + 84) is held by" in done.stderr
    assert not kierto.home.postgres.exists()


def _check_children(kierto: KiertoCommand) -> None:
    assert kierto.running
    descriptions = {name: kierto.description_of(name) for name in ("orders-api", "orders-relay", "gateway")}
    assert {description["imported_in"] for description in descriptions.values()} == {kierto.running.pid}
    assert "KIERTO_ORDERS_DATABASE_URL" in descriptions["orders-api"]["environment"]
    assert not any("DATABASE" in name or "PEPPER" in name for name in descriptions["gateway"]["environment"])


def _check_restart(kierto: KiertoCommand, name: str) -> None:
    before = kierto.pids()[name]
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: kierto.pids().get(name, before) != before)
    wait_for(lambda: kierto.run("status").returncode == 0)
    assert f"{name} was ended by SIGKILL; it is started again" in kierto.output_text


def _check_mailbox(kierto: KiertoCommand) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@kierto.test", "liisa@example.fi", "Kiitos, Päivi"
    message.set_content("Hei!")
    with smtplib.SMTP("127.0.0.1", kierto.ports.of("smtp")) as smtp:
        smtp.send_message(message)

    web = kierto.ports.url("mailbox")
    (summary,) = json.loads(_get(f"{web}/api/messages?to=liisa@example.fi"))["messages"]
    assert summary["subject"] == "Kiitos, Päivi"
    assert json.loads(_get(f"{web}/api/messages/{summary['id']}"))["text"] == "Hei!\n"
    assert "Kiitos, Päivi" in _get(f"{web}/")
    assert "Hei!" in _get(f"{web}/messages/{summary['id']}")


def _check_second_start(kierto: KiertoCommand) -> None:
    second = kierto.run("up")
    assert second.returncode == 1
    assert "A stack runs in this folder already" in second.stderr
    assert kierto.run("status").returncode == 0


def _secrets(home: Home) -> list[str]:
    secrets = json.loads((home.secrets / "secrets.json").read_text())
    return [secrets["postgres_password"], secrets["pepper"], *secrets["database_passwords"].values()]


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        text: str = response.read().decode()
        return text


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
