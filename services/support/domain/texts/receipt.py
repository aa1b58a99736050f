"""The texts of a contact form's receipt, in one language."""

import msgspec

from services.contracts.support import ContactPreference, Topic


class ReceiptTexts(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of a receipt, as formats of ``str.format``.

    ``number``, ``topic``, ``site`` and ``message`` are captions.
    """

    subject: str
    greeting: str
    received: str
    """With {moment}."""
    moment: str
    """The language's format of {at}, the local time."""
    number: str
    topic: str
    site: str
    message: str
    topics: dict[Topic, str]
    reached: dict[ContactPreference, str]
    """With {phone} under PHONE."""
    mention: str
    no_reply: str
