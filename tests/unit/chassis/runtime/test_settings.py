"""Settings: all missing and wrong variables are reported together."""

from pathlib import Path

import msgspec
import pytest

from services.chassis.runtime.settings import (
    Environment,
    InvalidSettings,
    Letterhead,
    ProcessSettings,
    ServiceSettings,
    SocketAddress,
    SpanExport,
    load,
    load_or_exit,
)

GOOD = {
    "KIERTO_LISTEN": "127.0.0.1:8711",
    "KIERTO_ORDERS_DATABASE_URL": "postgresql://orders@db/orders",
    "KIERTO_KAFKA": "broker:9092",
    "KIERTO_IDENTITY_URL": "http://identity",
}


class Limits(msgspec.Struct, frozen=True):
    most: int = 1


def test_settings_are_read_own_before_shared() -> None:
    settings = load(ServiceSettings, "orders", {**GOOD, "KIERTO_ORDERS_KAFKA": "own:9092", "KIERTO_SMTP": "mail:25"})
    assert settings.database_url == "postgresql://orders@db/orders"
    assert settings.kafka == "own:9092"
    assert settings.smtp == SocketAddress("mail", 25)
    assert settings.env is Environment.PRODUCTION, "production is the default"


class _Nested(ProcessSettings, frozen=True, kw_only=True):
    beside: SocketAddress | None = None
    limits: Limits = Limits()


def test_values_of_several_fields_are_json() -> None:
    environment = {"KIERTO_LISTEN": "127.0.0.1:1", "KIERTO_LIMITS": '{"most": 5}', "KIERTO_BESIDE": "mail:25"}
    assert load(_Nested, "", environment) == _Nested(
        listen=SocketAddress("127.0.0.1", 1), limits=Limits(most=5), beside=SocketAddress("mail", 25)
    )
    with pytest.raises(InvalidSettings, match="KIERTO_LIMITS is wrong"):
        load(_Nested, "", {**environment, "KIERTO_LIMITS": '{"most": "x"}'})


def test_the_letterhead_names_a_logo_that_exists(tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    letterhead = f'{{"name": "Kierto Oy", "address": ["Satamatie 12"], "logo": "{logo}"}}'
    with pytest.raises(InvalidSettings, match=r"KIERTO_LETTERHEAD is wrong: there is no file .*logo\.svg"):
        load(ServiceSettings, "orders", {**GOOD, "KIERTO_LETTERHEAD": letterhead})
    logo.write_text("<svg/>", encoding="utf-8")
    settings = load(ServiceSettings, "orders", {**GOOD, "KIERTO_LETTERHEAD": letterhead})
    assert settings.letterhead == Letterhead(name="Kierto Oy", address=["Satamatie 12"], logo=str(logo))
    for wrong in ('{"logo": "logo.gif"}', '{"adress": []}', '{"name": 1}'):
        with pytest.raises(InvalidSettings, match="KIERTO_LETTERHEAD is wrong"):
            load(ServiceSettings, "orders", {**GOOD, "KIERTO_LETTERHEAD": wrong})


def test_all_missing_and_wrong_settings_are_reported_at_once() -> None:
    environment = {"KIERTO_LISTEN": "8711", "KIERTO_ENV": "testing", "KIERTO_SLOT": "two"}
    with pytest.raises(InvalidSettings) as caught:
        load(ServiceSettings, "orders", environment)
    text = str(caught.value)
    for name in ("KIERTO_LISTEN is wrong", "KIERTO_ENV is wrong", "KIERTO_SLOT is wrong"):
        assert name in text
    for name in ("KIERTO_ORDERS_DATABASE_URL is missing", "KIERTO_ORDERS_KAFKA is missing"):
        assert name in text


def test_production_has_no_movable_clock(tmp_path: Path) -> None:
    moved = {**GOOD, "KIERTO_CLOCK_FILE": str(tmp_path / "clock")}
    with pytest.raises(InvalidSettings, match="KIERTO_CLOCK_FILE"):
        load(ServiceSettings, "orders", moved)
    assert load(ServiceSettings, "orders", {**moved, "KIERTO_ENV": "development"}).clock_file == tmp_path / "clock"


def test_spans_are_off_unless_a_setting_says_otherwise() -> None:
    assert load(ServiceSettings, "orders", GOOD).traces is SpanExport.OFF
    exported = load(ServiceSettings, "orders", {**GOOD, "KIERTO_TRACES": "otlp", "KIERTO_TRACES_RATIO": "0.5"})
    assert (exported.traces, exported.traces_ratio) == (SpanExport.OTLP, 0.5)
    for name, value in (("KIERTO_TRACES", "jaeger"), ("KIERTO_TRACES_RATIO", "1.5"), ("KIERTO_TRACES_RATIO", "-1")):
        with pytest.raises(InvalidSettings, match=f"{name} is wrong"):
            load(ServiceSettings, "orders", {**GOOD, name: value})


def test_a_process_with_wrong_settings_reports_them_and_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KIERTO_LISTEN", raising=False)
    with pytest.raises(SystemExit) as left:
        load_or_exit(ServiceSettings, "orders")
    assert left.value.code == 2
    assert "KIERTO_ORDERS_LISTEN is missing" in capsys.readouterr().err
