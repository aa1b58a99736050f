"""Prometheus metrics: every name and its meaning.

The alarms on the metrics of events, and the remedies, are in docs/events.md.
"""

from prometheus_client import Counter, Gauge, Histogram

REQUEST_SECONDS = Histogram("kierto_request_seconds", "Duration of an operation, in seconds", ["operation", "outcome"])
EXECUTIONS = Counter(
    "kierto_executions",
    "Executed GraphQL operations, by path (plan or graphql-core) and the reason for it",
    ["path", "reason"],
)
COMPLETIONS = Counter(
    "kierto_completions",
    "Completed values of plan steps, by path (projected, compiled or slow) and the reason for it",
    ["path", "reason"],
)
REQUESTS_REJECTED = Counter(
    "kierto_requests_rejected", "GraphQL requests that were not executed, by error code", ["code"]
)
OPERATIONS_SHED = Counter("kierto_operations_shed", "Operations rejected because the concurrency limit was reached")
PERSISTED_DOCUMENTS = Counter(
    "kierto_persisted_documents",
    "Requests with the identifier of a persisted document, by its source: trusted, memory, redis or nowhere",
    ["source"],
)

# Calls of services: in each process that makes some.
CIRCUIT_BREAKER_OPEN = Gauge(
    "kierto_circuit_breaker_open", "1 while the circuit breaker of a service is open", ["service"]
)
CALL_RETRIES = Counter("kierto_call_retries", "Calls repeated because their connection was lost", ["service"])

# Imports: in each worker process.
IMPORTS_PARKED = Gauge("kierto_imports_parked", "Unfinished imports of kinds that this build does not know")

# Publishing: in each relay process.
RELAY_LEADER = Gauge("kierto_relay_leader", "1 in the relay process that holds the lease, else 0")
EVENTS_PUBLISHED = Counter("kierto_events_published", "Events that the broker has acknowledged")
EVENTS_UNSEQUENCED = Gauge("kierto_events_unsequenced", "Committed events that have no sequence yet")
EVENTS_UNPUBLISHED = Gauge("kierto_events_unpublished", "Sequenced events that the broker has not acknowledged yet")
RELAY_LAG_SECONDS = Gauge(
    "kierto_relay_lag_seconds", "Age of the oldest committed event that the broker has not acknowledged, in seconds"
)
RELAY_REPUBLISHED_PARTITIONS = Counter(
    "kierto_relay_republished_partitions", "Partitions that lost records and were published again from the log"
)
LOG_GENERATIONS = Counter(
    "kierto_log_generations", "New generations of the log: the broker was ahead of a database that was restored"
)

# Consuming: in each worker process.
EVENTS_CONSUMED = Counter("kierto_events_consumed", "Events whose effects are committed", ["type"])
EVENTS_DUPLICATE = Counter("kierto_events_duplicate", "Redelivered events that the inbox left out")
CONSUMER_LAG_EVENTS = Gauge(
    "kierto_consumer_lag_events", "Records of the assigned partitions that this worker has not handled yet"
)
CONSUMER_LAG_SECONDS = Gauge(
    "kierto_consumer_lag_seconds", "Age of the newest handled event while others wait, in seconds; 0 if none waits"
)
CONSUMER_PARTITION_RESETS = Counter(
    "kierto_consumer_partition_resets", "Partitions read from the beginning again because their topic was recreated"
)
CONSUMER_STOPPED = Gauge(
    "kierto_consumer_stopped", "1 while the worker is stopped after too many dead letters in a row"
)
EVENTS_DEAD_LETTERED = Counter(
    "kierto_events_dead_lettered",
    "Dead-lettered events, by state: FAILED, WAITING behind a failed one, PARKED as unknown to this build",
    ["state"],
)
DEAD_LETTERS = Gauge("kierto_dead_letters", "Dead letters that the service's database holds now, by state", ["state"])

# Subscriptions: in each gateway process.
FEED_GAPS = Counter(
    "kierto_feed_gaps", "Gaps in the sequence that the feed waited for, by what filled them", ["filled_by"]
)
FEED_GENERATIONS = Counter("kierto_feed_generations", "Restarts of the feed with another generation of the log")
RING_MISSES = Counter("kierto_ring_misses", "Pages read from the log for subscribers that were behind the ring")
SUBSCRIBERS = Gauge("kierto_subscribers", "Open subscriptions to order events")
SOCKETS = Gauge("kierto_sockets", "Open sockets")
SOCKETS_CLOSED = Counter("kierto_sockets_closed", "Sockets that the gateway closed, by close code", ["code"])
SUBSCRIBERS_TOO_SLOW = Counter("kierto_subscribers_too_slow", "Subscribers closed because they did not read")

# Rate limits: in each gateway process.
RATE_LIMIT_LOCAL = Gauge(
    "kierto_rate_limit_local", "1 while Redis is unavailable and this gateway enforces its share of each quota"
)
RATE_REFUSALS = Counter("kierto_rate_refusals", "Requests refused because the caller's quota was spent", ["policy"])

MAILS_SENT = Counter("kierto_mails_sent", "Mails that the mail server accepted")
MAIL_FAILURES = Counter("kierto_mail_failures", "Failed attempts to send a mail, which will be repeated")
BOUNCES = Counter(
    "kierto_bounces",
    "Mails to addresses for reports, by outcome: failed, ignored (delayed or delivered), unreadable (no report)",
    ["outcome"],
)

JOBS = Counter(
    "kierto_jobs", "Runs of jobs, by outcome: done, again, failed (repeated later) or held", ["job", "outcome"]
)
JOB_SECONDS = Histogram("kierto_job_seconds", "Duration of a job's run, in seconds", ["job"])
JOBS_DUE = Gauge("kierto_jobs_due", "Jobs whose time has come and that do not run yet")
JOBS_HELD = Gauge("kierto_jobs_held", "Jobs that failed too often and are held for `kierto jobs`")
JOB_DELAY_SECONDS = Gauge("kierto_job_delay_seconds", "Time for which the oldest job has been due, in seconds")
