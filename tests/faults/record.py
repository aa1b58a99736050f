"""What was acknowledged: the record that everything else is held against. Kept in a process that no fault reaches."""

import datetime as dt
import json
import threading
from collections.abc import Collection
from pathlib import Path

import msgspec


class AcknowledgedOrder(msgspec.Struct, frozen=True):
    """An order that was taken, by the key that it was asked with."""

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
    """A contact form that was received, and the ticket that it was answered with."""

    key: str
    ticket_id: str
    site_id: str


class CommandRecord:
    """Every acknowledged command with its answer, in memory and, line by line, in a file."""

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
        assert known == ordered, f"two answers to one key: {known} and {ordered}"
        self._note(ordered)

    def add_report(self, reported: AcknowledgedReport) -> None:
        self.reports[reported.report_id] = reported
        self._note(reported)

    def add_form(self, written: AcknowledgedForm) -> None:
        known = self.forms.setdefault(written.key, written)
        assert known == written, f"two answers to one key: {known} and {written}"
        self._note(written)

    def forget_orders(self, but: Collection[str]) -> list[AcknowledgedOrder]:
        """Forget the orders with other keys than these, and their reports: their database was put back to before them.

        Those that were forgotten; whoever sent them may send them again, with the same keys.
        """
        lost = [order for key, order in self.orders.items() if key not in but]
        ids = {order.order_id for order in lost}
        for order in lost:
            del self.orders[order.key]
        self.reports = {key: report for key, report in self.reports.items() if report.order_id not in ids}
        return lost

    def outcomes(self) -> dict[str, AcknowledgedReport]:
        """Of each order that was reported on, the report that counts: the latest, as orders' rule says (O17)."""
        found: dict[str, AcknowledgedReport] = {}
        for report in self.reports.values():
            known = found.get(report.order_id)
            if known is None or (known.at, known.report_id) < (report.at, report.report_id):
                found[report.order_id] = report
        return found

    def report_counts(self) -> dict[str, int]:
        """How many reports each order has."""
        counts: dict[str, int] = {}
        for report in self.reports.values():
            counts[report.order_id] = counts.get(report.order_id, 0) + 1
        return counts

    def _note(self, what: AcknowledgedOrder | AcknowledgedReport | AcknowledgedForm) -> None:
        with self._lock, self._file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(msgspec.to_builtins(what)) + "\n")
