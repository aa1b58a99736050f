"""Kierto's wheel, installed as on a host with real servers: with the locked versions, without any extra."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from packaging.requirements import Requirement

from deploy.local.ports import Ports
from deploy.local.secrets import SERVICES
from tests.support import servers
from tests.support.servers import OWNER, ROOT, RUNTIME, Servers, as_owner, free_port_base
from tests.wheels import LOCK, locked

ROLES = ("api", "worker", "relay", "jobs")
IMPORT_ALL = """
import importlib, pkgutil, sys
import gateway, services
OF_EXTRAS = {
    "gateway.playground.build",  # runs Node, outside of every process
    "services.chassis.telemetry.otlp",  # imported where KIERTO_TRACES says so
}
for package in (gateway, services):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name not in OF_EXTRAS:
            importlib.import_module(module.name)
print(len(sys.modules))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with Kierto's wheel and the locked versions of what it needs."""
    folder = tmp_path_factory.mktemp("production")
    programs = Path(sys.executable).parent
    build = ("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    subprocess.run([programs / "python", *build, "--quiet", "--disable-pip-version-check"], check=True)
    (wheel,) = folder.glob("kierto-*.whl")
    subprocess.run([programs / "uv", "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    options = ("--quiet", "--only-binary", ":all:", "--constraint", LOCK, "--python", folder / "venv")
    subprocess.run([programs / "uv", "pip", "install", *options, wheel], check=True)
    return folder / "venv"


@pytest.fixture
def real_servers(tmp_path: Path) -> Iterator[Servers]:
    """Servers of this test alone: its services own the topics of Kafka."""
    base = free_port_base()
    process = servers.launch(tmp_path / "servers", base)
    try:
        yield servers.at(tmp_path / "servers", Ports(base))
    finally:
        servers.end(process)


def run(environment: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment to its end, apart from the clone."""
    program, *arguments = command
    return subprocess.run(
        [environment / "bin" / program, *arguments],
        cwd=environment,
        env={**_without_clone(), **settings},
        check=False,
        capture_output=True,
        text=True,
    )


def _without_clone() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith(("KIERTO_", "PYTHON"))}


def test_it_holds_locked_packages_alone_and_none_of_an_extra(environment: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    listed = subprocess.run(
        [uv, "pip", "list", "--quiet", "--format", "json", "--python", environment], check=True, capture_output=True
    )
    installed = {f"{one['name']}=={one['version']}" for one in json.loads(listed.stdout) if one["name"] != "kierto"}
    assert installed <= locked(LOCK.read_text(encoding="utf-8")).keys()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    names = {one.partition("==")[0] for one in installed}
    assert not names & {Requirement(one).name for extra in ("local", "telemetry") for one in extras[extra]}
    assert not names & {"pytest", "mypy", "hypothesis", "playwright"}


def test_every_module_is_importable_except_those_of_extras(environment: Path) -> None:
    done = run(environment, "python", "-c", IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1000


def test_it_has_the_data_files_of_the_clone(environment: Path) -> None:
    (installed,) = environment.glob("lib/python*/site-packages")
    listed = subprocess.run(
        ["git", "ls-files", "gateway", "services", "deploy"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    paths = listed.stdout.splitlines()
    assert len(paths) > 500
    assert [path for path in paths if (ROOT / path).exists() and not (installed / path).exists()] == []


def test_embedded_servers_are_refused_in_a_sentence(environment: Path, tmp_path: Path) -> None:
    done = run(environment, "kierto", "up", KIERTO_HOME=str(tmp_path / "home"), KIERTO_PORT_BASE=str(free_port_base()))
    assert done.returncode != 0
    assert "kierto[local]" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_process_starts_and_stops_with_real_servers(
    environment: Path, real_servers: Servers, tmp_path: Path
) -> None:
    home, ports = tmp_path / "home", Ports(free_port_base())
    stack = {"KIERTO_HOME": str(home), "KIERTO_PORT_BASE": str(ports.base)}
    with kierto_up(environment, stack | _settings(real_servers)) as table:
        names = {"gateway", *(f"{service}-{role}" for service in SERVICES for role in ROLES)}
        assert table.keys() == names
        for name in names:
            with urllib.request.urlopen(f"{ports.url(name)}/readyz", timeout=10) as answer:
                assert answer.status == 200
        assert run(environment, "kierto", "status", **stack).returncode == 0


def _settings(real: Servers) -> dict[str, str]:
    """Make the services' databases and their roles, and return the settings that name the servers."""
    urls = dict[str, str]()
    with psycopg.connect(real.database_url("postgres"), autocommit=True) as connection:
        for role in (OWNER, RUNTIME):
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{real.password}'".encode())
        for service in SERVICES:
            connection.execute(f"CREATE DATABASE {service} OWNER {OWNER}".encode())
            urls[f"KIERTO_{service.upper()}_OWNER_DATABASE_URL"] = as_owner(real.database_url(service))
            urls[f"KIERTO_{service.upper()}_DATABASE_URL"] = real.runtime_url(service)
    smtp = "127.0.0.1:9"  # no mail is sent
    return {**urls, "KIERTO_KAFKA": real.kafka, "KIERTO_REDIS_URL": real.redis_url, "KIERTO_SMTP": smtp}


@contextlib.contextmanager
def kierto_up(environment: Path, settings: Mapping[str, str]) -> Iterator[dict[str, int]]:
    """Run the installed ``kierto up`` for the length of a block; yield the pids of its processes by name."""
    with subprocess.Popen(
        [environment / "bin" / "kierto", "up", "--no-demo"],
        cwd=environment,
        env={**_without_clone(), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        printed = []
        try:
            for line in process.stdout:
                printed.append(line)
                if "Kierto is ready" in line:
                    break
            else:
                raise AssertionError("".join(printed))
            yield json.loads((Path(settings["KIERTO_HOME"]) / "run" / "processes.json").read_text())
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()
    assert process.returncode == 0
