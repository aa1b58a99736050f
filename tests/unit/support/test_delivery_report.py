"""RFC 3464: the failures of a report; whatever else arrives is none, and is read in little time."""

import time
from email import policy
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.mailbox.bounce import report
from services.contracts.support.mail_suppressions import SuppressionReason
from services.support.domain.delivery_report import DeliveryFailure, read_report
from services.support.domain.mail_suppression import reason_to_suppress

HEAD = b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n'
PART = HEAD + b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
LARGEST = 256 * 1024


def a_report(*groups: str, part: str = "Content-Type: message/delivery-status", ending: str = "\r\n") -> bytes:
    """Return a report with these groups of fields, the first of which are those of the mail."""
    lines = [
        "From: MAILER-DAEMON@mx.example",
        'Content-Type: multipart/report; report-type="delivery-status";',
        ' boundary="=_a(1)"',
        "",
        "This is a MIME message.",
        "--=_a(1)",
        "",
        "Your mail could not be delivered.",
        "--=_a(1)  ",
        part,
        "",
        "\n\n".join(groups),
        "",
        "--=_a(1)",
        "Content-Type: text/rfc822-headers",
        "",
        "Subject: Palaute vastaanotettu",
        "--=_a(1)--",
    ]
    return "\n".join(lines).replace("\n", ending).encode()


MAIL = "Reporting-MTA: dns; mx.example"
FAILED = "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1"


def statuses(content: bytes) -> list[str] | None:
    failures = read_report(content)
    return None if failures is None else [failure.status for failure in failures]


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_a_report_names_its_failures(ending: str) -> None:
    assert statuses(a_report(MAIL, FAILED, ending=ending)) == ["5.1.1"]


def test_the_report_of_a_library_is_read() -> None:
    assert statuses(report("bounces+1@kierto.example", "a@bounce.invalid").as_bytes()) == ["5.1.1"]
    assert statuses(report("a@b", "c@d").as_bytes(policy=policy.SMTP)) == ["5.1.1"]


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", "", "none"])
def test_what_did_not_fail_is_no_failure(action: str) -> None:
    group = f"Final-Recipient: rfc822; a@b\nAction: {action}\nStatus: 4.4.7"
    assert statuses(a_report(MAIL, group)) == []
    assert statuses(a_report(MAIL, "Status: 5.1.1")) == []


def test_the_failure_of_an_address_comes_first() -> None:
    full = "Final-Recipient: rfc822; c@d\nAction: failed\nStatus: 5.2.2"
    assert statuses(a_report(MAIL, "Action: relayed\nStatus: 2.1.9", full, FAILED)) == ["5.1.1", "5.2.2"]


@pytest.mark.parametrize(
    ("field", "status"),
    [
        ("STATUS: 5.2.2 (mailbox full)", "5.2.2"),
        ("Status: 5.1.10", "5.1.10"),
        ("Status:\n 4.4.7", "4.4.7"),
        ("Status: 5.1.1000", "5.0.0"),
        ("Status: 2.0.0", "5.0.0"),
        ("Status: fünf", "5.0.0"),
        ("Diagnostic-Code: smtp; 550", "5.0.0"),
    ],
)
def test_a_status_is_one_of_a_failure(field: str, status: str) -> None:
    assert statuses(a_report(MAIL, f"Action: Failed (really)\n{field}")) == [status]


def test_the_fields_of_the_mail_are_no_recipients() -> None:
    assert statuses(a_report(f"{MAIL}\nAction: failed\nStatus: 5.1.1")) == []


@pytest.mark.parametrize(
    ("encoding", "encoded"),
    [
        ("base64", "UmVwb3J0aW5nLU1UQTogZG5zOyBteAoKQWN0aW9uOiBmYWlsZWQKU3RhdHVzOiA1LjEuMQo="),
        ("Quoted-Printable", "Reporting-MTA: dns; mx\n\nAction: fail=\ned\nStatus: 5.1.=31"),
        ("8bit", f"{MAIL}: ä\n\n{FAILED}"),
        ("unknown", f"{MAIL}\n\n{FAILED}"),
    ],
)
def test_an_encoded_report_is_read(encoding: str, encoded: str) -> None:
    part = f"Content-Type: message/global-delivery-status\nContent-Transfer-Encoding: {encoding}"
    assert statuses(a_report(encoded, part=part)) == ["5.1.1"]


def test_a_broken_encoding_is_no_report() -> None:
    part = "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64"
    assert statuses(a_report("abcde", part=part)) is None


def _nested(depth: int) -> bytes:
    inner: MIMEMultipart | MIMEText = MIMEText("Hei")
    for _ in range(depth):
        outer = MIMEMultipart()
        outer.attach(inner)
        inner = outer
    return inner.as_bytes()


def _vacation() -> bytes:
    mail = EmailMessage()
    mail["Auto-Submitted"] = "auto-replied"
    mail.set_content("Olen lomalla.")
    return mail.as_bytes()


OTHERS = {
    "nothing": b"",
    "no header": b"\r\n\r\nHei",
    "a vacation": _vacation(),
    "nested parts": _nested(50),
    "no boundary": PART.replace(b'; boundary="b"', b""),
    "an empty boundary": PART.replace(b'"b"', b'""'),
    "a boundary in no character set": PART.replace(b'boundary="b"', b"boundary*=a\0b''b"),
    "another part": PART.replace(b"delivery-status\r\n", b"rfc822\r\n"),
    "a single part": PART.partition(b"--b\r\n")[2],
    "parameters without an end": PART.replace(b"boundary", b";" * 2_000 + b"boundary"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_mails_are_no_reports(name: str) -> None:
    assert read_report(OTHERS[name]) is None


@given(st.binary())
def test_no_bytes_fail(content: bytes) -> None:
    assert read_report(content) in (None, [])
    read_report(HEAD + content)
    read_report(PART + content)


@given(
    st.lists(
        st.sampled_from(
            [
                b"--b",
                b"\r\n",
                b"\n",
                b" ",
                b"Content-Type: ",
                b"message/delivery-status",
                b";\xff",
                b"boundary=",
                b"b",
                b"multipart/report",
                b"Action: failed",
                b"Status: 5.1.1",
                b"charset*=x'y'",
                b"=?x?q?=e4?=",
                b"Content-Transfer-Encoding: base64",
                b":",
                b"\0",
                b'"',
            ]
        )
    )
)
def test_no_pieces_of_reports_fail(pieces: list[bytes]) -> None:
    read_report(b"".join(pieces))
    read_report(PART + b"".join(pieces))


BOMBS = {
    "fields": b"a: b\r\n",
    "continuations": b"a: b\r\n" + b" c\r\n" * 10,
    "parameters": b'Content-Type: multipart/report; ";";',
    "parts": b"--b\r\n",
    "recipients": b"Action: failed\r\n\r\n",
    "blanks": b"\r\n \t",
    "quotes": b'";',
    "comments": b"(",
}


@pytest.mark.parametrize("name", BOMBS)
def test_the_largest_mail_is_read_in_linear_time(name: str) -> None:
    def seconds(start: bytes, size: int) -> float:
        content = (start + BOMBS[name] * size)[:size]
        begun = time.process_time()
        for _ in range(3):
            read_report(content)
        return time.process_time() - begun

    for start in (b"", HEAD, PART):
        # In quadratic time the largest one would take 256 times as long as this one of a sixteenth.
        assert seconds(start, LARGEST) < 64 * seconds(start, LARGEST // 16) + 0.05


def test_few_recipients_are_read() -> None:
    failures = read_report(PART + b"Action: failed\r\n\r\n" * 5_000)
    assert failures is not None
    assert len(failures) == 100


@pytest.mark.parametrize("status", ["5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1", "5.4.4"])
def test_the_failure_of_an_address_suppresses_it_at_once(status: str) -> None:
    assert reason_to_suppress(DeliveryFailure(status), 1) is SuppressionReason.ADDRESS_FAILED


@pytest.mark.parametrize(
    "status", ["5.0.0", "5.1.7", "5.1.8", "5.2.0", "5.2.2", "5.2.3", "5.3.4", "5.4.7", "5.7.1", "4.1.1", "4.2.2"]
)
def test_other_failures_suppress_the_address_when_they_are_several(status: str) -> None:
    reasons = [reason_to_suppress(DeliveryFailure(status), bounced) for bounced in (1, 2, 3, 4)]
    assert reasons == [None, None, SuppressionReason.SEVERAL_FAILED, SuppressionReason.SEVERAL_FAILED]
