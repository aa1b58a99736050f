"""The event log: the outbox in sequence order, read from a cursor on.

A cursor is opaque to clients: the log's generation and a sequence. It has expired if it is of another generation, from
before the log's first event or from after its last.
"""

import base64
import binascii
import datetime as dt
import uuid

import msgspec

from services.chassis.db.postgres import DatabaseConnection, Row

START = "START"
"""The cursor before the first event that the log retains."""

_BOUNDS = """
    SELECT generation, last_sequence,
           coalesce((SELECT min(sequence) FROM chassis.outbox), last_sequence + 1) AS first_sequence
    FROM chassis.leader WHERE only_row
"""
LOGGED_COLUMNS = "sequence, event_id, type, subject, organisation_id, site_id, occurred_at, data"
"""The columns of ``chassis.outbox`` that make a LoggedEvent."""


class Cursor(msgspec.Struct, frozen=True):
    """A position in the log: after the event with this sequence."""

    generation: uuid.UUID
    sequence: int

    def __str__(self) -> str:
        packed = self.generation.bytes + self.sequence.to_bytes(8, "big")
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """Parse a cursor; None if the text is none."""
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(packed) != 24:
            return None
        return cls(uuid.UUID(bytes=packed[:16]), int.from_bytes(packed[16:], "big"))

    @classmethod
    def of(cls, text: str) -> "Cursor":
        """Parse a cursor that a log issued."""
        cursor = cls.parse(text)
        assert cursor is not None, "a log issues valid cursors"
        return cursor


class LogBounds(msgspec.Struct, frozen=True):
    """The log's generation and the range of its sequences."""

    generation: uuid.UUID
    first_sequence: int
    last_sequence: int

    @property
    def start(self) -> Cursor:
        return Cursor(self.generation, self.first_sequence - 1)

    @property
    def end(self) -> Cursor:
        return Cursor(self.generation, self.last_sequence)

    def resolve(self, after: str | None) -> Cursor | None:
        """Parse a client's cursor: None stands for the end, START for the beginning. Returns None if it has expired."""
        if after is None:
            return self.end
        if after == START:
            return self.start
        cursor = Cursor.parse(after)
        if cursor is None or cursor.generation != self.generation:
            return None
        return cursor if self.start.sequence <= cursor.sequence <= self.last_sequence else None


class LoggedEvent(msgspec.Struct, frozen=True):
    """A public event of the log, in the order of LOGGED_COLUMNS."""

    sequence: int
    event_id: uuid.UUID
    type: str
    subject: str
    organisation_id: uuid.UUID | None
    site_id: uuid.UUID | None
    time: dt.datetime
    data: bytes


async def read_bounds(connection: DatabaseConnection) -> LogBounds:
    """Read the log's current bounds."""
    row: Row | None = await connection.fetchrow(_BOUNDS)
    assert row is not None, "the first migration inserts the leader row"
    return LogBounds(row["generation"], row["first_sequence"], row["last_sequence"])
