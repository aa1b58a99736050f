"""Finnish."""

from services.contracts.support import ContactPreference, Topic
from services.support.domain.texts.receipt import ReceiptTexts

RECEIPT = ReceiptTexts(
    subject="Palaute vastaanotettu",
    greeting="Hei!",
    received="Kiitos palautteestasi. Vastaanotimme sen {moment}.",
    moment="{at.day}.{at.month}.{at.year} klo {at.hour}.{at:%M}",
    number="Tunnus",
    topic="Aihe",
    site="Kohteen numero",
    message="Viestisi",
    topics={
        Topic.PICKUP: "Tyhjennys",
        Topic.CONTAINER: "Jäteastia",
        Topic.INVOICE: "Lasku",
        Topic.AGREEMENT: "Sopimus",
        Topic.OTHER: "Muu asia",
    },
    reached={
        ContactPreference.NONE: "Et toivonut yhteydenottoa.",
        ContactPreference.PHONE: "Soitamme sinulle numeroon {phone}.",
        ContactPreference.EMAIL: "Vastaamme sinulle sähköpostitse.",
    },
    mention="Mainitse tunnus, jos otat yhteyttä asiakaspalveluun.",
    no_reply="Tämä on automaattinen viesti, eikä siihen voi vastata.",
)
