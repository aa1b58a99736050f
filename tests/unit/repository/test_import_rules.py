"""Tests of the import rules: each is broken on purpose, in a copy, and has to report it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("gateway", "services", "deploy")
REPOSITORY = "Layers of the repository"
SERVICE = "Layers of a service"
CHASSIS = "Layers of the chassis"
EVENTS = "Layers of the events"
HTTP = "The HTTP client and the HTTP server know nothing of each other"
EXECUTOR = "Layers of the executor"
PURE = "The domain knows only its contract"
ASYNCPG = "Only stores, queries and the chassis know asyncpg"
AIOKAFKA = "Only the chassis knows aiokafka"
EXTRAS = "No process imports a package of the extra local"
LANGUAGE = "The published language does no input or output"
TESTS = "The product imports no tests"
CIRCLES = "Nothing imports itself by way of others"

BREACHES = [
    ("services/chassis/runtime/clock.py", "import services.access.caller", REPOSITORY),
    ("services/contracts/values.py", "import services.chassis.ids", REPOSITORY),
    ("services/access/caller.py", "import services.hosting.processes", REPOSITORY),
    ("services/hosting/processes.py", "import services.sites.app", REPOSITORY),
    ("services/sites/app.py", "import services.orders.app", REPOSITORY),
    ("gateway/settings.py", "import services.sites.domain.site", REPOSITORY),
    ("services/sites/domain/site.py", "import services.sites.usecases.ports.transaction", SERVICE),
    ("services/orders/domain/order.py", "import services.orders.mapping.events", SERVICE),
    ("services/sites/usecases/ports/transaction.py", "import services.sites.store.transaction", SERVICE),
    ("services/sites/store/transaction.py", "import services.sites.usecases.ports", SERVICE),
    ("services/identity/hashing/queue.py", "import services.identity.store.users", SERVICE),
    ("services/sites/store/transaction.py", "import services.sites.queries.sites", SERVICE),
    ("services/sites/queries/sites.py", "import services.sites.http.api", SERVICE),
    ("services/sites/messaging/handlers.py", "import services.sites.http.api", SERVICE),
    ("services/sites/http/api.py", "import services.sites.app", SERVICE),
    ("services/chassis/events/outbox.py", "import services.chassis.imports.importer", CHASSIS),
    ("services/chassis/rpc/client.py", "import services.chassis.events.outbox", CHASSIS),
    ("services/chassis/audit/entry.py", "import services.chassis.events.outbox", CHASSIS),
    ("services/chassis/db/postgres.py", "import services.chassis.http.client.pool", CHASSIS),
    ("services/chassis/telemetry/metrics.py", "import services.chassis.problems", CHASSIS),
    ("services/chassis/runtime/clock.py", "import services.chassis.telemetry.logging", CHASSIS),
    ("services/chassis/texts/formats.py", "import services.chassis.runtime.clock", CHASSIS),
    ("services/chassis/events/publish/relay.py", "import services.chassis.events.consume.inbox", EVENTS),
    ("services/chassis/events/consume/inbox.py", "import services.chassis.events.copies.rebuild", EVENTS),
    ("services/chassis/events/envelope.py", "import services.chassis.events.outbox", EVENTS),
    ("services/chassis/http/client/pool.py", "import services.chassis.http.server.endpoint", HTTP),
    ("gateway/execution/engine.py", "import gateway.execution.strawberry.schema", EXECUTOR),
    ("gateway/execution/limits/validation.py", "import gateway.execution.runtime.executor", EXECUTOR),
    ("gateway/execution/completion/compiler.py", "import gateway.execution.projection.compiler", EXECUTOR),
    ("gateway/execution/planning/plan.py", "import gateway.execution.state.response", EXECUTOR),
    ("services/orders/domain/order.py", "import services.chassis.ids", PURE),
    ("services/support/usecases/ports/transaction.py", "import asyncpg", ASYNCPG),
    ("gateway/settings.py", "import aiokafka", AIOKAFKA),
    ("services/orders/messaging/handlers.py", "import aiokafka", AIOKAFKA),
    ("services/chassis/mail.py", "import jgo", EXTRAS),
    ("gateway/http/playground.py", "import gateway.playground.build", EXTRAS),
    ("services/contracts/values.py", "import aiohttp", LANGUAGE),
    ("deploy/copies.py", "import tests.support.polling", TESTS),
    ("gateway/rate_limit/window.py", "import gateway.http.graphql_endpoint", CIRCLES),
]


def broken_rules(folder: Path) -> str:
    """Return the output of the linter for the code in a folder; empty if every rule is kept."""
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program, "--no-cache"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(folder)},
    )
    return "" if done.returncode == 0 else done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code and of the rules."""
    folder = tmp_path_factory.mktemp("sources")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "*.csv"))
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def test_every_rule_is_kept(sources: Path) -> None:
    assert broken_rules(sources) == ""


@pytest.mark.parametrize(("file", "breach", "rule"), BREACHES)
def test_a_breach_is_reported(sources: Path, file: str, breach: str, rule: str) -> None:
    source = sources / file
    text = source.read_text(encoding="utf-8")
    source.write_text(f"{text}\n{breach}\n", encoding="utf-8")
    try:
        report = broken_rules(sources)
    finally:
        source.write_text(text, encoding="utf-8")
    assert f"{rule} BROKEN" in report
