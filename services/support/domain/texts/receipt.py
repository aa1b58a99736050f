"""What the receipt of a contact form says, in one language."""

import msgspec

from services.contracts.support import ContactPreference, Topic


class ReceiptTexts(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of a receipt, as ``str.format`` takes them.

    ``received`` says {moment}; ``moment`` writes {at}, the local time, as the language does; ``reached`` under PHONE
    says {phone}. ``number``, ``topic``, ``site`` and ``message`` are captions.
    """

    subject: str
    greeting: str
    received: str
    moment: str
    number: str
    topic: str
    site: str
    message: str
    topics: dict[Topic, str]
    reached: dict[ContactPreference, str]
    mention: str
    no_reply: str
