"""The mailbox's two pages. Everything that came by mail is escaped; a mail's HTML is shown in a sandbox."""

from collections.abc import Sequence
from html import escape
from typing import Any

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'"
"""Policy that loads nothing; it also binds the `srcdoc` frame with a mail's HTML."""

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1b1b1b }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #ddd; padding: .4rem .6rem; text-align: left; vertical-align: top }
pre { background: #f5f5f5; overflow-x: auto; padding: 1rem; white-space: pre-wrap }
iframe { border: 1px solid #ddd; height: 34rem; width: 100% }
"""


def list_page(mails: Sequence[dict[str, Any]], to: str | None) -> str:
    """Render the list of mails from their summaries."""
    rows = "".join(
        f"<tr><td>{escape(mail['receivedAt'][:19].replace('T', ' '))}</td><td>{escape(', '.join(mail['to']))}</td>"
        f'<td><a href="/messages/{mail["id"]}">{escape(mail["subject"]) or "(no subject)"}</a></td></tr>'
        for mail in mails
    )
    table = f"<table><tr><th>Time (UTC)<th>To<th>Subject</tr>{rows}</table>" if mails else "<p>No mail yet.</p>"
    search = (
        f'<form><input type="email" name="to" value="{escape(to or "")}" placeholder="To"> <button>Show</button></form>'
    )
    return _page("Mailbox", f"<h1>Mailbox</h1>{search}{table}")


def mail_page(mail: dict[str, Any]) -> str:
    """Render one mail."""
    headers = "".join(f"<tr><th>{escape(name)}<td>{escape(value)}</tr>" for name, value in mail["headers"])
    body = (
        f'<p><a href="/">All mail</a></p><h1>{escape(mail["subject"]) or "(no subject)"}</h1><table>{headers}</table>'
    )
    if mail["text"] is not None:
        body += f"<h2>Text</h2><pre>{escape(mail['text'])}</pre>"
    if mail["html"] is not None:
        inside = escape(f'<base target="_blank">{mail["html"]}')
        body += (
            '<h2>HTML</h2><iframe title="The mail\'s HTML part" '
            f'sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="{inside}"></iframe>'
        )
    return _page(mail["subject"], f"{body}<h2>Source</h2><pre>{escape(mail['raw'])}</pre>")


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><body>{body}</body></html>"
    )
