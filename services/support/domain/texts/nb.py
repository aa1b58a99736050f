"""Norwegian (bokmål)."""

from services.contracts.support import ContactPreference, Topic
from services.support.domain.texts.receipt import ReceiptTexts

RECEIPT = ReceiptTexts(
    subject="Vi har mottatt henvendelsen din",
    greeting="Hei!",
    received="Takk for henvendelsen. Vi mottok den {moment}.",
    moment="{at:%d.%m.%Y} kl. {at:%H.%M}",
    number="Saksnummer",
    topic="Emne",
    site="Hentestedets nummer",
    message="Meldingen din",
    topics={
        Topic.PICKUP: "Tømming",
        Topic.CONTAINER: "Avfallsbeholder",
        Topic.INVOICE: "Faktura",
        Topic.AGREEMENT: "Avtale",
        Topic.OTHER: "Annet",
    },
    reached={
        ContactPreference.NONE: "Du ønsket ikke å bli kontaktet.",
        ContactPreference.PHONE: "Vi ringer deg på {phone}.",
        ContactPreference.EMAIL: "Vi svarer deg på e-post.",
    },
    mention="Oppgi saksnummeret hvis du kontakter kundeservice.",
    no_reply="Dette er en automatisk melding som ikke kan besvares.",
)
