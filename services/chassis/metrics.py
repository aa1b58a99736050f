"""Every metric that the chassis keeps: its name and its meaning, in this one place."""

from prometheus_client import Counter, Gauge, Histogram

REQUEST_SECONDS = Histogram(
    "kierto_request_seconds", "Time to answer an operation, in seconds", ["operation", "outcome"]
)
EVENTS_PUBLISHED = Counter("kierto_events_published", "Events that the broker has acknowledged")
EVENTS_UNPUBLISHED = Gauge("kierto_events_unpublished", "Numbered events that the broker has not acknowledged yet")
RELAY_LEADING = Gauge("kierto_relay_leading", "1 in the relay process that holds the lease, else 0")
RELAY_REFILLS = Counter("kierto_relay_refills", "How often a partition was filled again from the log")
EVENTS_CONSUMED = Counter("kierto_events_consumed", "Events whose effects are committed", ["type"])
EVENTS_REPEATED = Counter("kierto_events_repeated", "Events that came again and were left out by the inbox")
EVENTS_PARKED = Counter(
    "kierto_events_parked", "Events of a type that this build does not know, kept for one that does"
)
DEAD_LETTERS = Counter("kierto_dead_letters", "Events set aside because they failed by themselves", ["reason"])
CONSUMER_SECONDS_BEHIND = Gauge("kierto_consumer_seconds_behind", "Age of the newest event handled, when handled")
MAILS_SENT = Counter("kierto_mails_sent", "Mails that the mail server took")
MAIL_FAILURES = Counter("kierto_mail_failures", "Attempts to hand over a mail that failed and will be repeated")
