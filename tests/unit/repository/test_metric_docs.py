"""The operator's page on events documents every metric of events, and names no other."""

import re

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from services.chassis.telemetry import metrics
from tests.support.servers import ROOT

PAGE = (ROOT / "docs" / "how-an-event-travels.md").read_text(encoding="utf-8")
NOT_OF_EVENTS = {
    "kierto_request_seconds",
    "kierto_executions",
    "kierto_operations_shed",
    "kierto_sockets",
    "kierto_completions",
    "kierto_rate_limit_local",
    "kierto_rate_refusals",
    "kierto_requests_rejected",
    "kierto_persisted_documents",
    "kierto_sockets_closed",
    "kierto_circuit_breaker_open",
    "kierto_call_retries",
    "kierto_imports_parked",
    "kierto_mails_sent",
    "kierto_mail_failures",
}


def _shown_names() -> dict[str, type]:
    """Each metric's name as `/metrics` shows it."""
    kept = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
    assert {type(one) for one in kept} <= {Counter, Gauge, Histogram}
    return {one._name: type(one) for one in kept if one._name not in NOT_OF_EVENTS}


def test_every_metric_of_the_events_has_its_row() -> None:
    rows = set(re.findall(r"^\| `(kierto_\w+)` \|", PAGE, re.MULTILINE))
    assert rows == {f"{name}_total" if kind is Counter else name for name, kind in _shown_names().items()}


def test_no_alarm_is_about_a_metric_that_there_is_not() -> None:
    known = {f"{name}_total" if kind is Counter else name for name, kind in _shown_names().items()}
    assert set(re.findall(r"kierto_\w+", PAGE)) <= known
