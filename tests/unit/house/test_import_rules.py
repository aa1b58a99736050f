"""Who may import whom: each rule is broken once on purpose, in a copy, and must complain."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("gateway", "services", "deploy")
HOUSE = "The gateway and the services > access > chassis > contracts"
INSIDE = "Inside a service: __main__ > app > http, messaging > store > usecases > domain"
PURE = "The domain knows only its contract"
ASYNCPG = "Only store and chassis know asyncpg"
AIOKAFKA = "Only chassis knows aiokafka"
LANGUAGE = "The published language does no input or output"

BREACHES = [
    ("services/chassis/clock.py", "import services.access.caller", HOUSE),
    ("services/contracts/values.py", "import services.chassis.ids", HOUSE),
    ("services/access/caller.py", "import services.sites.app", HOUSE),
    ("services/sites/app.py", "import services.orders.app", HOUSE),
    ("gateway/settings.py", "import services.sites.domain.site", HOUSE),
    ("services/sites/domain/site.py", "import services.sites.usecases.ports", INSIDE),
    ("services/sites/usecases/ports.py", "import services.sites.store.reads", INSIDE),
    ("services/sites/store/reads.py", "import services.sites.http.offering", INSIDE),
    ("services/sites/messaging/handlers.py", "import services.sites.http.offering", INSIDE),
    ("services/sites/http/offering.py", "import services.sites.app", INSIDE),
    ("services/orders/domain/order.py", "import services.chassis.ids", PURE),
    ("services/support/usecases/ports.py", "import asyncpg", ASYNCPG),
    ("gateway/settings.py", "import aiokafka", AIOKAFKA),
    ("services/orders/messaging/handlers.py", "import aiokafka", AIOKAFKA),
    ("services/contracts/values.py", "import aiohttp", LANGUAGE),
]


def broken_rules(folder: Path) -> str:
    """What the linter says of the code in a folder; empty if every rule is kept."""
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


def copy_of_the_house(folder: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "*.csv"))
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def test_every_rule_is_kept(tmp_path: Path) -> None:
    assert broken_rules(copy_of_the_house(tmp_path)) == ""


@pytest.mark.parametrize(("file", "breach", "rule"), BREACHES)
def test_a_breach_is_noticed(tmp_path: Path, file: str, breach: str, rule: str) -> None:
    house = copy_of_the_house(tmp_path)
    with (house / file).open("a", encoding="utf-8") as planted:
        planted.write(f"\n{breach}\n")
    complaints = broken_rules(house)
    assert f"{rule} BROKEN" in complaints
