"""Reports on the delivery of mail (RFC 3464): the failures that a mail server reports of one mail.

A report comes from anyone: nothing in it makes the reading fail, and the time is linear in its length. The library
reads header fields alone. It would read a mail with its parts recursively, as deep as a sender nests them.
"""

import binascii
import quopri
import re
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from email.parser import BytesHeaderParser

import msgspec

_MAX_CONTENT_TYPE = 1_000
"""Characters of a Content-Type that is read: the library takes quadratic time for its parameters."""
_MAX_PARTS = 20
_MAX_RECIPIENTS = 100

_EMPTY_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
_STATUS = re.compile(r"\s*([45]\.\d{1,3}\.\d{1,3})(?!\d)")
_REPORTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
"""RFC 3464, section 2.1; RFC 6533, section 6.2."""
_DECODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "base64": binascii.a2b_base64,
    "quoted-printable": quopri.decodestring,
}

_ADDRESS_STATUSES = frozenset(
    {
        "5.1.0",  # other address status
        "5.1.1",  # bad destination mailbox address
        "5.1.2",  # bad destination system address
        "5.1.3",  # bad destination mailbox address syntax
        "5.1.4",  # destination mailbox address ambiguous
        "5.1.6",  # destination mailbox has moved, no forwarding address
        "5.1.10",  # the domain accepts no mail (RFC 7505, section 4.2)
        "5.2.1",  # mailbox disabled, not accepting messages
        "5.4.4",  # unable to route: the domain has no host
    }
)
"""The permanent failures of an address (RFC 3463, sections 3.2 to 3.5). Others are of a mail, of the sender (5.1.7 and
5.1.8) or of a policy (5.7.x), or pass, as a full mailbox (5.2.2) does.
"""
_UNKNOWN_STATUS = "5.0.0"
"""Other undefined status (RFC 3463, section 3.1): it stands for a status that is missing."""


class DeliveryFailure(msgspec.Struct, frozen=True):
    """The failed delivery of a mail to one recipient."""

    status: str
    """The enhanced status code (RFC 3463) of class 4 or 5."""

    @property
    def is_of_address(self) -> bool:
        """Whether no mail to this address will be delivered."""
        return self.status in _ADDRESS_STATUSES


def read_report(content: bytes) -> list[DeliveryFailure] | None:
    """Return the failures that a report names, those of an address first; None for a mail that is no report.

    Reports of delayed, delivered, relayed and expanded mails (section 2.3.3) have none.
    """
    report = _find_report(content)
    if report is None:
        return None
    failures = [
        DeliveryFailure(_status(fields))
        for fields in _recipients(report)
        if _text(fields, "Action").split("(")[0].strip().lower() == "failed"
    ]
    return sorted(failures, key=lambda failure: not failure.is_of_address)


def _find_report(content: bytes) -> bytes | None:
    """Return the body of the part with the report; None if there is none among the first parts of a multipart."""
    for part in _parts(content):
        header, body = _split(part)
        if _content_type(header) in _REPORTS:
            decode = _DECODERS.get(_text(header, "Content-Transfer-Encoding").strip().lower(), bytes)
            try:
                return decode(body)
            except ValueError:
                return None
    return None


def _parts(content: bytes) -> list[bytes]:
    """Return the parts of a multipart (RFC 2046, section 5.1.1), those of multiparts within it undivided."""
    header, body = _split(content)
    if not _content_type(header).startswith("multipart/"):
        return []
    try:
        boundary = header.get_boundary("").encode("utf-8", "surrogateescape")
    except ValueError:  # of a character set that is none (RFC 2231)
        return []
    if not boundary:
        return []
    delimiter = re.compile(rb"^--" + re.escape(boundary) + rb"(?:--)?[ \t]*\r?$\n?", re.MULTILINE)
    return delimiter.split(body, _MAX_PARTS)[1:]


def _recipients(report: bytes) -> Iterator[Message]:
    """Yield the fields of each recipient, which follow those of the mail (RFC 3464, section 2.1)."""
    groups = _EMPTY_LINE.split(report.strip(), _MAX_RECIPIENTS + 1)
    for group in groups[1 : _MAX_RECIPIENTS + 1]:
        yield BytesHeaderParser().parsebytes(group)


def _split(content: bytes) -> tuple[Message, bytes]:
    """Return the header and the body of a mail or of a part."""
    end = _EMPTY_LINE.search(content)
    header, body = (content[: end.start()], content[end.end() :]) if end else (content, b"")
    return BytesHeaderParser().parsebytes(header), body


def _content_type(header: Message) -> str:
    return header.get_content_type() if len(_text(header, "Content-Type")) <= _MAX_CONTENT_TYPE else ""


def _status(fields: Message) -> str:
    found = _STATUS.match(_text(fields, "Status"))
    return found[1] if found else _UNKNOWN_STATUS


def _text(header: Message, name: str) -> str:
    return str(header.get(name, ""))
