"""The gateway's process: its settings and its imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.settings import GatewaySettings
from services.chassis.runtime.settings import InvalidSettings, load

ROOT = Path(__file__).parents[2]
SERVICES = ("IDENTITY", "SITES", "ORDERS", "STATS", "SUPPORT")


def test_missing_settings_are_named() -> None:
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "gateway"], env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    for name in ("LISTEN", "KAFKA", "REDIS_URL", "SERVICE_SECRET", *(f"{service}_URL" for service in SERVICES)):
        assert f"KIERTO_{name} is missing" in done.stderr or f"KIERTO_GATEWAY_{name} is missing" in done.stderr


@pytest.mark.parametrize("prefix", ["KIERTO_", "KIERTO_GATEWAY_"])
def test_settings_have_either_prefix(prefix: str) -> None:
    environment = {f"{prefix}{service}_URL": "http://127.0.0.1:1" for service in SERVICES}
    environment |= {f"{prefix}LISTEN": "127.0.0.1:8000", f"{prefix}KAFKA": "127.0.0.1:9092"}
    environment |= {f"{prefix}SERVICE_SECRET": "a secret", f"{prefix}REDIS_URL": "redis://127.0.0.1:6379/0"}
    with pytest.raises(InvalidSettings, match="KIERTO_GATEWAY_HOSTS is missing"):
        load(GatewaySettings, "gateway", environment)
    environment[f"{prefix}HOSTS"] = '["api.example"]'
    assert not load(GatewaySettings, "gateway", environment).playground_enabled
    assert load(GatewaySettings, "gateway", {**environment, f"{prefix}PLAYGROUND": "true"}).playground_enabled
    outside = {**environment, f"{prefix}ENV": "development", f"{prefix}HOSTS": ""}
    assert load(GatewaySettings, "gateway", outside).playground_enabled
    assert not load(GatewaySettings, "gateway", {**outside, f"{prefix}PLAYGROUND": "false"}).playground_enabled
    assert load(GatewaySettings, "gateway", environment).listen.port == 8000


def test_importing_it_starts_nothing() -> None:
    code = "import gateway.app, gateway.__main__, threading; assert threading.active_count() == 1"
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], env=bare, check=True)
