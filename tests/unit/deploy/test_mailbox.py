"""Tests of the mailbox: mail is stored as received, and any content is shown safely."""

import contextlib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from deploy.local.mailbox.bounce import bounces
from deploy.local.mailbox.pages import list_page, mail_page
from deploy.local.mailbox.parser import full, summary
from deploy.local.mailbox.store import MailStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MailStore]:
    with contextlib.closing(MailStore(tmp_path / "mail.sqlite")) as store:
        yield store


def _receipt() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "a@kierto.test",
        "liisa@example.fi",
        "Kiitos yhteydenotosta, Päivi",
    )
    message.set_content("Hei Päivi & <kumppanit>")
    message.add_alternative('<p>Hei <b>Päivi</b></p><script>alert("x")</script>', subtype="html")
    return message.as_bytes()


def test_mail_survives_a_restart(tmp_path: Path, store: MailStore) -> None:
    raw = _receipt()
    mail_id = store.add("a@kierto.test", ["liisa@example.fi"], raw)
    store.close()

    with contextlib.closing(MailStore(tmp_path / "mail.sqlite")) as reopened:
        mail = reopened.get(mail_id)

    assert mail is not None
    assert (mail.sender, mail.recipients, mail.raw) == ("a@kierto.test", ["liisa@example.fi"], raw)


def test_mail_is_found_by_its_recipient(store: MailStore) -> None:
    first = store.add("a", ["liisa@example.fi", "matti@example.fi"], b"Subject: 1\r\n\r\n")
    second = store.add("a", ["Liisa@Example.fi"], b"Subject: 2\r\n\r\n")
    store.add("a", ["other@example.fi"], b"Subject: 3\r\n\r\n")

    assert [mail.id for mail in store.newest("liisa@example.FI")] == [second, first]
    assert len(store.newest()) == 3
    assert store.get(99) is None


def test_both_parts_are_read(store: MailStore) -> None:
    mail = store.get(store.add("a@kierto.test", ["liisa@example.fi"], _receipt()))
    assert mail

    read = full(mail)

    assert read["subject"] == "Kiitos yhteydenotosta, Päivi"
    assert read["text"].strip() == "Hei Päivi & <kumppanit>"
    assert "<b>Päivi</b>" in read["html"]
    assert ["To", "liisa@example.fi"] in read["headers"]


def test_everything_is_escaped(store: MailStore) -> None:
    mail = store.get(store.add("<a>", ['"><script>'], b"Subject: <script>1</script>\r\nX: <script>\r\n\r\n<script>2"))
    receipt = store.get(store.add("a", ["b"], _receipt()))
    assert mail
    assert receipt

    pages = [list_page([summary(mail)], '"><script>'), mail_page(full(mail)), mail_page(full(receipt))]

    assert all("<script" not in page for page in pages)
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in pages[2]


@pytest.mark.parametrize(
    ("recipient", "comes_back"),
    [
        ("aino@bounce.invalid", True),
        ("Aino@Bounce.Invalid", True),
        ("aino@example.fi", False),
        ("bounce.invalid", False),
    ],
)
def test_mail_to_the_domain_without_addresses_comes_back(recipient: str, comes_back: bool) -> None:
    assert bounces(recipient) == comes_back


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?martian?Q?x?=\r\nContent-Type: text/plain; charset=martian\r\n\r\n\xff",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"To: <<<>>>,,;;@\r\nDate: yesterday\r\nMessage-ID: [\r\n\r\n",
        b'Content-Type: ;;;=\r\nContent-Disposition: "\r\n\r\nx',
    ],
)
def test_malformed_mail_is_shown(store: MailStore, raw: bytes) -> None:
    mail = store.get(store.add("a", ["b"], raw))
    assert mail

    assert mail_page(full(mail))
