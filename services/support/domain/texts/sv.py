"""Swedish."""

from services.contracts.support import ContactPreference, Topic
from services.support.domain.texts.receipt import ReceiptTexts

RECEIPT = ReceiptTexts(
    subject="Vi har tagit emot ditt meddelande",
    greeting="Hej!",
    received="Tack för ditt meddelande. Vi tog emot det {moment}.",
    moment="{at:%Y-%m-%d} kl. {at:%H.%M}",
    number="Ärendenummer",
    topic="Ämne",
    site="Hämtställets nummer",
    message="Ditt meddelande",
    topics={
        Topic.PICKUP: "Tömning",
        Topic.CONTAINER: "Avfallskärl",
        Topic.INVOICE: "Faktura",
        Topic.AGREEMENT: "Avtal",
        Topic.OTHER: "Övrigt",
    },
    reached={
        ContactPreference.NONE: "Du önskade inte bli kontaktad.",
        ContactPreference.PHONE: "Vi ringer dig på numret {phone}.",
        ContactPreference.EMAIL: "Vi svarar dig per e-post.",
    },
    mention="Uppge ärendenumret om du kontaktar kundtjänsten.",
    no_reply="Det här är ett automatiskt meddelande som inte kan besvaras.",
)
