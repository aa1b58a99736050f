"""Reports on mails to addresses that do not exist, sent to the senders of their envelopes (RFC 3464)."""

from collections.abc import Mapping
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import aiosmtplib

DOMAIN = "bounce.invalid"
"""The domain whose addresses do not exist; it is reserved (RFC 6761, section 6.4)."""


def bounces(recipient: str) -> bool:
    """Tell whether mail to this address comes back."""
    return recipient.lower().endswith(f"@{DOMAIN}")


async def send_report(server: str, sender: str, recipient: str) -> None:
    """Send a report to the sender of an envelope: no such address."""
    host, _, port = server.rpartition(":")
    # The envelope of a report has no sender (RFC 5321, section 4.5.5).
    await aiosmtplib.send(report(sender, recipient), sender="", recipients=[sender], hostname=host, port=int(port))


def report(sender: str, recipient: str, status: str = "5.1.1") -> Message:
    """Return the report on a mail."""
    message = MIMEMultipart("report", report_type="delivery-status")
    message["From"] = "Mailbox <mailer-daemon@localhost>"
    message["To"] = sender
    message["Subject"] = "Undelivered mail"
    message["Auto-Submitted"] = "auto-replied"
    message.attach(MIMEText(f"There is no {recipient}.\n"))
    details = _fields({"Content-Type": "message/delivery-status"})
    details.attach(_fields({"Reporting-MTA": "dns; localhost"}))
    details.attach(_fields({"Final-Recipient": f"rfc822; {recipient}", "Action": "failed", "Status": status}))
    message.attach(details)
    return message


def _fields(fields: Mapping[str, str]) -> Message:
    group = Message()
    for name, value in fields.items():
        group[name] = value
    return group
