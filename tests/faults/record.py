"""Record of the acknowledged commands, kept in a process that no fault reaches."""

import datetime as dt
import json
import threading
from collections.abc import Collection
from pathlib import Path

import msgspec


class AcknowledgedOrder(msgspec.Struct, frozen=True):
    """An accepted order, with its idempotency key."""

    key: str
    order_id: str
    site_id: str
    agreement_id: str
    day: str


class AcknowledgedReport(msgspec.Struct, frozen=True):
    """A report of an ordered pickup that was accepted."""

    report_id: str
    order_id: str
    at: dt.datetime
    grams: int


class AcknowledgedForm(msgspec.Struct, frozen=True):
    """An accepted contact form, and its ticket."""

    key: str
    ticket_id: str
    site_id: str


class CommandRecord:
    """All acknowledged commands with their results, in memory and, line by line, in a file."""

    def __init__(self, file: Path) -> None:
        self.orders: dict[str, AcknowledgedOrder] = {}
        self.reports: dict[str, AcknowledgedReport] = {}
        self.forms: dict[str, AcknowledgedForm] = {}
        self._file = file
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.orders) + len(self.reports) + len(self.forms)

    def add_order(self, ordered: AcknowledgedOrder) -> None:
        known = self.orders.setdefault(ordered.key, ordered)
        assert known == ordered, f"two results for one key: {known} and {ordered}"
        self._write(ordered)

    def add_report(self, reported: AcknowledgedReport) -> None:
        self.reports[reported.report_id] = reported
        self._write(reported)

    def add_form(self, written: AcknowledgedForm) -> None:
        known = self.forms.setdefault(written.key, written)
        assert known == written, f"two results for one key: {known} and {written}"
        self._write(written)

    def forget_orders(self, kept_keys: Collection[str]) -> list[AcknowledgedOrder]:
        """Remove the orders with other keys than these, and their reports: a restored database does not have them.

        Returns the forgotten orders, which may be sent again with the same keys.
        """
        lost = [order for key, order in self.orders.items() if key not in kept_keys]
        ids = {order.order_id for order in lost}
        for order in lost:
            del self.orders[order.key]
        self.reports = {key: report for key, report in self.reports.items() if report.order_id not in ids}
        return lost

    def outcomes(self) -> dict[str, AcknowledgedReport]:
        """Return the report that decides the outcome of each order: the latest one (O17)."""
        latest: dict[str, AcknowledgedReport] = {}
        for report in self.reports.values():
            known = latest.get(report.order_id)
            if known is None or (known.at, known.report_id) < (report.at, report.report_id):
                latest[report.order_id] = report
        return latest

    def report_counts(self) -> dict[str, int]:
        """Count the reports of each order."""
        counts: dict[str, int] = {}
        for report in self.reports.values():
            counts[report.order_id] = counts.get(report.order_id, 0) + 1
        return counts

    def _write(self, command: AcknowledgedOrder | AcknowledgedReport | AcknowledgedForm) -> None:
        with self._lock, self._file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(msgspec.to_builtins(command)) + "\n")
