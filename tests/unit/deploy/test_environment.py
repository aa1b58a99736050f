"""Tests of the settings of processes: each has its own only, and the caller's settings win."""

import json
from pathlib import Path

import pytest

from deploy.local.environment import StackEnvironment
from deploy.local.paths import Home
from deploy.local.ports import Ports
from deploy.local.secrets import SERVICES, load_secrets


def _environment(tmp_path: Path, **caller: str) -> StackEnvironment:
    home = Home(tmp_path)
    return StackEnvironment(home, Ports(9000), load_secrets(home), caller)


def test_a_service_gets_its_own_database_and_secret_only(tmp_path: Path) -> None:
    environment = _environment(tmp_path)
    password = environment.secrets.runtime_passwords["orders"]

    settings = environment.of_service("orders", "worker")

    assert settings["KIERTO_ORDERS_DATABASE_URL"] == (
        f"postgresql://kierto_orders_runtime:{password}@127.0.0.1:9082/kierto_orders"
    )
    assert [name for name in settings if name.endswith("DATABASE_URL")] == ["KIERTO_ORDERS_DATABASE_URL"]
    assert settings["KIERTO_SERVICE_SECRET"] == environment.secrets.client_secrets["orders"]
    assert settings["KIERTO_LISTEN"] == "127.0.0.1:9032"
    assert settings["KIERTO_METRICS_LISTEN"] == "127.0.0.1:9037"
    assert settings["KIERTO_IDENTITY_URL"] == "http://127.0.0.1:9011"
    assert not any(name.startswith("KIERTO_IDENTITY_") and name != "KIERTO_IDENTITY_URL" for name in settings)


def test_identity_alone_gets_the_signing_keys(tmp_path: Path) -> None:
    environment = _environment(tmp_path)

    settings = environment.of_service("identity", "api")

    assert json.loads(settings["KIERTO_IDENTITY_SERVICE_SECRETS"]) == environment.secrets.client_secrets
    assert Path(settings["KIERTO_IDENTITY_SIGNING_KEY_FILE"]).exists()
    assert settings["KIERTO_IDENTITY_PEPPER"] == environment.secrets.pepper
    assert "KIERTO_SERVICE_SECRET" not in settings


def test_a_service_gets_its_own_key_ring_except_to_migrate(tmp_path: Path) -> None:
    environment = _environment(tmp_path)

    settings = environment.of_service("orders", "api")

    assert settings["KIERTO_ORDERS_KEY_RING_FILE"] == str(environment.home.key_ring("orders"))
    assert [name for name in settings if name.endswith("_KEY_RING_FILE")] == ["KIERTO_ORDERS_KEY_RING_FILE"]
    assert "KIERTO_ORDERS_KEY_RING_FILE" not in environment.of_service("orders", "migrate")


def test_the_roles_that_use_files_get_the_store_and_the_key_of_their_service(tmp_path: Path) -> None:
    environment = _environment(tmp_path / "a b", AWS_REGION="eu-north-1", KIERTO_STATS_FILES_URL="s3://own/stats")

    settings = environment.of_service("orders", "api")

    assert settings["KIERTO_ORDERS_FILES_URL"] == f"file://{tmp_path}/a%20b/files/orders"
    assert settings["KIERTO_ORDERS_FILES_KEY"] == environment.secrets.files_keys["orders"]
    assert settings["AWS_REGION"] == "eu-north-1"
    assert environment.of_service("stats", "jobs")["KIERTO_STATS_FILES_URL"] == "s3://own/stats"
    for role in ("worker", "relay", "migrate"):
        assert not any("_FILES_" in name or "AWS" in name for name in environment.of_service("orders", role))


def test_supports_worker_takes_the_mails_that_the_mailbox_reports_on(tmp_path: Path) -> None:
    environment = _environment(tmp_path)

    worker, jobs = (environment.of_service("support", role) for role in ("worker", "jobs"))

    assert worker["KIERTO_SUPPORT_BOUNCE_LISTEN"] == environment.of_mailbox()["KIERTO_MAILBOX_BOUNCES"]
    assert worker["KIERTO_SUPPORT_FILES_KEY"] == jobs["KIERTO_SUPPORT_FILES_KEY"]
    assert worker["KIERTO_SUPPORT_BOUNCE_ADDRESS"] == jobs["KIERTO_SUPPORT_BOUNCE_ADDRESS"]
    assert "KIERTO_SUPPORT_BOUNCE_LISTEN" not in jobs
    with_server = _environment(tmp_path, KIERTO_SMTP="m:25")
    assert not any("_BOUNCE_" in name for name in with_server.of_service("support", "worker"))


def test_migrations_listen_nowhere(tmp_path: Path) -> None:
    assert "KIERTO_LISTEN" not in _environment(tmp_path).of_service("stats", "migrate")


def test_migrations_alone_get_the_owner_of_the_database(tmp_path: Path) -> None:
    name = "KIERTO_ORDERS_OWNER_DATABASE_URL"
    embedded, named = _environment(tmp_path), _environment(tmp_path, **{name: "postgresql://owner@db/orders"})

    password = embedded.secrets.database_passwords["orders"]
    assert embedded.of_service("orders", "migrate")[name] == (
        f"postgresql://kierto_orders:{password}@127.0.0.1:9082/kierto_orders"
    )
    assert named.of_service("orders", "migrate")[name] == "postgresql://owner@db/orders"
    for role in ("api", "worker", "relay", "jobs"):
        assert name not in named.of_service("orders", role)
    without = _environment(tmp_path, KIERTO_ORDERS_DATABASE_URL="postgresql://db/orders")
    assert without.of_service("orders", "migrate")[name] == "", "no owner is made up for another server"


def test_the_callers_environment_is_not_inherited(tmp_path: Path) -> None:
    settings = _environment(tmp_path, PATH="/bin", AWS_SECRET_ACCESS_KEY="x").of_gateway()

    assert settings["PATH"] == "/bin"
    assert "AWS_SECRET_ACCESS_KEY" not in settings


def test_a_setting_of_one_service_reaches_that_service_only(tmp_path: Path) -> None:
    environment = _environment(
        tmp_path,
        KIERTO_ORDERS_CUT_OFF="9",
        KIERTO_GATEWAY_LIMIT="5",
        KIERTO_TIME_ZONE="UTC",
        KIERTO_TRACES_RATIO="1",
    )

    assert environment.of_service("orders", "api")["KIERTO_ORDERS_CUT_OFF"] == "9"
    assert "KIERTO_ORDERS_CUT_OFF" not in environment.of_service("stats", "api")
    assert environment.of_gateway()["KIERTO_GATEWAY_LIMIT"] == "5"
    assert environment.of_gateway()["KIERTO_TIME_ZONE"] == "UTC"
    for settings in (environment.of_gateway(), environment.of_service("orders", "relay")):
        assert settings["KIERTO_TRACES_RATIO"] == "1", "for every process"


@pytest.mark.parametrize(
    ("part", "setting", "value"),
    [
        ("kafka", "KIERTO_KAFKA", "k:9092"),
        ("valkey", "KIERTO_REDIS_URL", "redis://r/0"),
        ("mailbox", "KIERTO_SMTP", "m:25"),
    ],
)
def test_a_part_with_a_real_server_is_not_embedded(tmp_path: Path, part: str, setting: str, value: str) -> None:
    environment = _environment(tmp_path, **{setting: value})

    assert not environment.embeds(part)
    assert environment.of_service("orders", "worker")[setting] == value
    assert _environment(tmp_path).embeds(part)


def test_postgres_is_embedded_until_every_service_has_a_real_database(tmp_path: Path) -> None:
    urls = {f"KIERTO_{service.upper()}_DATABASE_URL": f"postgresql://db/{service}" for service in SERVICES}
    some = dict(list(urls.items())[:4])

    assert _environment(tmp_path, **some).embeds("postgres")
    assert _environment(tmp_path, **some).database_url("identity") == "postgresql://db/identity"
    assert not _environment(tmp_path, **urls).embeds("postgres")
