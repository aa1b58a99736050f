"""Tests of the operators' page on events: it lists every metric, and names no others."""

import re

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from services.chassis.telemetry import metrics
from tests.support.servers import ROOT

PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
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
    "kierto_bounces",
    "kierto_mail_failures",
    "kierto_jobs",
    "kierto_job_seconds",
    "kierto_jobs_due",
    "kierto_jobs_held",
    "kierto_job_delay_seconds",
}


def _metric_types() -> dict[str, type]:
    """Return the names of the metrics of events, with their types."""
    registered = [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]
    assert {type(metric) for metric in registered} <= {Counter, Gauge, Histogram}
    return {metric._name: type(metric) for metric in registered if metric._name not in NOT_OF_EVENTS}


def test_every_metric_of_the_events_has_its_row() -> None:
    rows = set(re.findall(r"^\| `(kierto_\w+)` \|", PAGE, re.MULTILINE))
    assert rows == {f"{name}_total" if kind is Counter else name for name, kind in _metric_types().items()}


def test_alarms_name_existing_metrics_only() -> None:
    known = {f"{name}_total" if kind is Counter else name for name, kind in _metric_types().items()}
    assert set(re.findall(r"kierto_\w+", PAGE)) <= known
