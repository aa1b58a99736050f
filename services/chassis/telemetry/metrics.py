"""Every metric that Kierto keeps: its name and its meaning, in this one place.

What an alarm on one of the events' metrics means, and what to do then, is in docs/how-an-event-travels.md.
"""

from prometheus_client import Counter, Gauge, Histogram

REQUEST_SECONDS = Histogram(
    "kierto_request_seconds", "Time to answer an operation, in seconds", ["operation", "outcome"]
)
EXECUTIONS = Counter(
    "kierto_executions",
    "Operations of the graph by the way of their execution: plan or graphql-core, and why",
    ["way", "why"],
)
COMPLETIONS = Counter(
    "kierto_completions",
    "Values of a plan's steps by the way of their completion: pushed, compiled or careful, and why",
    ["way", "why"],
)
REQUESTS_REJECTED = Counter(
    "kierto_refused", "Requests of the graph that were not executed, by the code of why", ["code"]
)
OPERATIONS_SHED = Counter("kierto_shed", "Operations that were told to come back, because too many were under way")

# Calling services: in each process that does.
CIRCUIT_BREAKER_OPEN = Gauge(
    "kierto_breaker_open", "1 while calls of a service are refused: it answered nobody", ["service"]
)
CALL_RETRIES = Counter(
    "kierto_calls_repeated", "Calls made a second time because their connection was lost", ["service"]
)

# Taking in exports: in each worker process.
IMPORTS_PARKED = Gauge("kierto_imports_parked", "Started imports of kinds that this build does not know")

# Publishing: in each relay process.
RELAY_LEADING = Gauge("kierto_relay_leading", "1 in the relay process that holds the lease, else 0")
EVENTS_PUBLISHED = Counter("kierto_events_published", "Events that the broker has acknowledged")
EVENTS_UNSEQUENCED = Gauge("kierto_events_unnumbered", "Committed events that have no sequence yet")
EVENTS_UNPUBLISHED = Gauge("kierto_events_unpublished", "Numbered events that the broker has not acknowledged yet")
RELAY_SECONDS_BEHIND = Gauge(
    "kierto_relay_seconds_behind", "Age of the oldest committed event that the broker has not acknowledged, in seconds"
)
PARTITION_REPUBLISHES = Counter("kierto_relay_refills", "How often a partition was filled again from the log")
LOG_GENERATIONS = Counter(
    "kierto_log_generations", "New generations of the log: the broker held more than the database, which was restored"
)
PERSISTED_DOCUMENTS = Counter(
    "kierto_named_documents",
    "Requests that named their document instead of sending it, by where it was: trusted, memory, redis or nowhere",
    ["where"],
)

# Consuming: in each worker process.
EVENTS_CONSUMED = Counter("kierto_events_consumed", "Events whose effects are committed", ["type"])
EVENTS_DEDUPLICATED = Counter("kierto_events_repeated", "Events that came again and were left out by the inbox")
CONSUMER_EVENTS_BEHIND = Gauge(
    "kierto_consumer_events_behind", "Records of the assigned partitions that this worker has not handled yet"
)
CONSUMER_SECONDS_BEHIND = Gauge(
    "kierto_consumer_seconds_behind", "Age of the newest event handled while others wait, in seconds; 0 if none does"
)
CONSUMER_REREADS = Counter(
    "kierto_consumer_rereads", "How often a partition was read from its beginning because its topic was made anew"
)
CONSUMER_STOPPED = Gauge("kierto_consumer_stopped", "1 while the worker stands still after too many dead letters")
EVENTS_QUARANTINED = Counter(
    "kierto_events_set_aside", "Events set aside, by state (FAILED, WAITING behind one, PARKED as unknown)", ["state"]
)
DEAD_LETTERS = Gauge("kierto_dead_letters", "Events that lie set aside in the service's database now", ["state"])

# Subscribers: in each gateway process.
FEED_GAPS = Counter("kierto_feed_holes", "Holes in the sequence that the feed waited for, by what filled them", ["by"])
FEED_GENERATIONS = Counter("kierto_feed_generations", "How often the feed began anew with another generation's events")
RING_MISSES = Counter("kierto_ring_misses", "Pages read from the log for subscribers that were behind the ring")
SUBSCRIBERS = Gauge("kierto_subscribers", "Open subscriptions to order events")
SOCKETS = Gauge("kierto_sockets", "Open sockets")
SOCKETS_CLOSED = Counter("kierto_sockets_closed", "Sockets that the gateway closed, by the code it gave", ["code"])
SUBSCRIBERS_TOO_SLOW = Counter("kierto_subscribers_too_slow", "Subscribers closed because they did not read")

# Callers' rates: in each gateway process.
RATE_LIMIT_LOCAL = Gauge(
    "kierto_rate_alone", "1 while Redis is away and this gateway counts its share of each caller's rate"
)
RATE_REFUSALS = Counter("kierto_rate_refusals", "Requests refused because their caller spent a quota", ["policy"])

MAILS_SENT = Counter("kierto_mails_sent", "Mails that the mail server took")
MAIL_FAILURES = Counter("kierto_mail_failures", "Attempts to hand over a mail that failed and will be repeated")
