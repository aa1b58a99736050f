"""Store of the received mails: one SQLite file."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_TABLE = """
CREATE TABLE IF NOT EXISTS mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at TEXT NOT NULL,   -- UTC, ISO 8601
    sender TEXT NOT NULL,        -- as in the envelope
    recipients TEXT NOT NULL,    -- as in the envelope, a JSON list
    raw BLOB NOT NULL
)
"""


@dataclass(frozen=True)
class Mail:
    """One mail as received."""

    id: int
    received_at: datetime
    sender: str
    recipients: list[str]
    raw: bytes


class MailStore:
    """Store of mails; a mail is on the disk before SMTP acknowledges it."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(_TABLE)

    def add(self, sender: str, recipients: list[str], raw: bytes) -> int:
        with self._database:
            row = self._database.execute(
                "INSERT INTO mail (received_at, sender, recipients, raw) VALUES (?, ?, ?, ?)",
                (datetime.now(UTC).isoformat(), sender, json.dumps(recipients), raw),
            )
        assert row.lastrowid
        return row.lastrowid

    def newest(self, to: str | None = None, limit: int = 100) -> list[Mail]:
        """List mails, the newest first; with `to` only those to that address, ignoring case."""
        rows = self._database.execute(
            """
            SELECT id, received_at, sender, recipients, raw FROM mail
             WHERE :to IS NULL OR EXISTS (SELECT 1 FROM json_each(recipients) WHERE lower(value) = lower(:to))
             ORDER BY id DESC LIMIT :limit
            """,
            {"to": to, "limit": limit},
        )
        return [_mail(row) for row in rows]

    def get(self, mail_id: int) -> Mail | None:
        row = self._database.execute(
            "SELECT id, received_at, sender, recipients, raw FROM mail WHERE id = ?", (mail_id,)
        ).fetchone()
        return _mail(row) if row else None

    def close(self) -> None:
        self._database.close()


def _mail(row: tuple[int, str, str, str, bytes]) -> Mail:
    mail_id, received_at, sender, recipients, raw = row
    return Mail(mail_id, datetime.fromisoformat(received_at), sender, json.loads(recipients), raw)
