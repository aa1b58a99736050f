"""Mails from templates: a Jinja template as plain text (``<name>.txt``), and one in MJML (``<name>.mjml``) as HTML.

MJML is compiled before any value is filled in, so a value can't be markup of it. The ``.mjml`` file is what stands
between header and footer of ``layout.mjml``; being XML, an expression in it writes ``&lt;`` for ``<``. Templates use
``text`` for the texts of their owner's catalogue, and ``letterhead``.
"""

import functools
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from mjml import mjml2html

from services.chassis.runtime.settings import Letterhead
from services.chassis.texts.catalogue import Catalogue

_LAYOUT = Path(__file__).parent
_CONTENT = '<mj-include path="content" />'


class MailBody(msgspec.Struct, frozen=True, kw_only=True):
    """The subject of a mail, and its body as plain text and as HTML."""

    subject: str
    text: str
    html: str


class MailTemplate:
    """The two templates of a mail."""

    def __init__(self, text: Template, html: Template) -> None:
        self._text = text
        self._html = html

    def render(
        self, texts: Catalogue, letterhead: Letterhead, *, subject: str, preview: str = "", **values: object
    ) -> MailBody:
        """Return the mail in the language of ``texts``; raise UndefinedError for a value that a template lacks.

        ``preview`` is shown by mailboxes beside the subject.
        """
        context = {
            "language": texts.language.value,
            "text": texts.text,
            "letterhead": letterhead,
            "subject": subject,
            "preview": preview,
            **values,
        }
        return MailBody(subject=subject, text=self._text.render(context), html=self._html.render(context))


@functools.cache
def load_template(folder: Path, name: str) -> MailTemplate:
    """Load a mail's templates from the folder of their owner."""
    environment = Environment(
        loader=FileSystemLoader([folder, _LAYOUT]),
        autoescape=select_autoescape(["mjml"], default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    layout = (_LAYOUT / "layout.mjml").read_text(encoding="utf-8")
    content = (folder / f"{name}.mjml").read_text(encoding="utf-8")
    # The compiler leaves out a column's rows around what mj-include inserts, and with them the padding.
    html = mjml2html(layout.replace(_CONTENT, content), fonts={})
    return MailTemplate(environment.get_template(f"{name}.txt"), environment.from_string(html))
