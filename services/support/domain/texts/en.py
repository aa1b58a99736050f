"""English."""

from services.contracts.support import ContactPreference, Topic
from services.support.domain.texts.receipt import ReceiptTexts

RECEIPT = ReceiptTexts(
    subject="We have received your message",
    greeting="Hello,",
    received="Thank you for your message. We received it on {moment}.",
    moment="{at.day} {at:%B} {at.year} at {at:%H:%M}",
    number="Ticket number",
    topic="Topic",
    site="Site number",
    message="Your message",
    topics={
        Topic.PICKUP: "Pickup",
        Topic.CONTAINER: "Container",
        Topic.INVOICE: "Invoice",
        Topic.AGREEMENT: "Agreement",
        Topic.OTHER: "Other",
    },
    reached={
        ContactPreference.NONE: "You did not ask to be contacted.",
        ContactPreference.PHONE: "We will call you on {phone}.",
        ContactPreference.EMAIL: "We will reply by e-mail.",
    },
    mention="Please quote the ticket number if you contact customer service.",
    no_reply="This is an automatic message and cannot be replied to.",
)
