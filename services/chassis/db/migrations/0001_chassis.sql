-- What the chassis keeps in every service's database. See docs/decisions/ and the module named beside each table.

CREATE SCHEMA chassis;

-- events/outbox.py, event_log.py: every event, kept 90 days. position: order of insertion; sequence: gapless, assigned
-- by the leader.
CREATE TABLE chassis.outbox (
    position        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sequence        bigint UNIQUE,
    event_id        uuid NOT NULL,
    type            text NOT NULL,
    subject         text NOT NULL,
    organisation_id uuid,
    partition       smallint NOT NULL,
    occurred_at     timestamptz NOT NULL,
    traceparent     text NOT NULL,
    public          boolean NOT NULL,
    data            bytea NOT NULL,
    written_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX outbox_unnumbered ON chassis.outbox (position) WHERE sequence IS NULL;
CREATE INDEX outbox_public ON chassis.outbox (sequence) WHERE public;
CREATE INDEX outbox_written ON chassis.outbox USING brin (written_at);

-- events/publish/lease.py, sequencer.py: one row. Every update has a condition on the leader's epoch; until is by the
-- database's clock. cluster_id: the current Kafka cluster; events that it has not acknowledged do not expire.
CREATE TABLE chassis.leader (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch         bigint NOT NULL DEFAULT 0,
    holder        text NOT NULL DEFAULT '',
    until         timestamptz NOT NULL DEFAULT '-infinity',
    last_sequence bigint NOT NULL DEFAULT 0,
    generation    uuid NOT NULL DEFAULT gen_random_uuid(),
    cluster_id    text
);
INSERT INTO chassis.leader DEFAULT VALUES;

-- events/publish/checkpoint.py: what was published to each Kafka cluster. published has the last published record of a
-- partition, and the partition's first offset at that time ("start"); published_up_to the sequence up to which a topic
-- is complete.
CREATE TABLE chassis.published (
    cluster_id text NOT NULL,
    topic      text NOT NULL,
    partition  smallint NOT NULL,
    start      bigint NOT NULL,
    "offset"   bigint NOT NULL,
    event_id   uuid NOT NULL,
    sequence   bigint NOT NULL,
    PRIMARY KEY (cluster_id, topic, partition)
);
CREATE TABLE chassis.published_up_to (
    cluster_id text NOT NULL,
    topic      text NOT NULL,
    sequence   bigint NOT NULL,
    PRIMARY KEY (cluster_id, topic)
);

-- events/consume/inbox.py, offsets.py: the events that took effect, and the last consumed record of each partition, -1
-- for none. checked: the record of the last successful verification of the topic.
CREATE TABLE chassis.inbox (
    day      date NOT NULL,
    event_id uuid NOT NULL,
    PRIMARY KEY (day, event_id)
) PARTITION BY RANGE (day);
CREATE TABLE chassis.positions (
    topic            text NOT NULL,
    partition        smallint NOT NULL,
    "offset"         bigint NOT NULL DEFAULT -1,
    event_id         text NOT NULL DEFAULT '',
    checked_offset   bigint NOT NULL DEFAULT -1,
    checked_event_id text NOT NULL DEFAULT '',
    PRIMARY KEY (topic, partition)
);

-- events/consume/dead_letters.py: failed events, those that wait for them, and those of unknown types.
CREATE TABLE chassis.dead_letters (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state     text NOT NULL CHECK (state IN ('FAILED', 'WAITING', 'PARKED')),
    topic     text NOT NULL,
    partition smallint NOT NULL,
    "offset"  bigint NOT NULL,
    event_id  text NOT NULL,
    type      text NOT NULL,
    subject   text NOT NULL,
    key       bytea,
    headers   jsonb NOT NULL,
    value     bytea,
    reason    text NOT NULL,
    set_aside timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (topic, event_id)
);
CREATE INDEX dead_letters_subject ON chassis.dead_letters (topic, subject, id);

-- idempotency.py: the first answer of every command, kept 90 days.
CREATE TABLE chassis.answers (
    organisation text NOT NULL,
    caller       text NOT NULL,
    operation    text NOT NULL,
    key          text NOT NULL,
    input_hash   bytea NOT NULL,
    answer       bytea,
    answered_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (organisation, caller, operation, key)
);
CREATE INDEX answers_answered ON chassis.answers USING brin (answered_at);

-- mail.py: mail that is to be sent, written in the transaction that wants it sent.
CREATE TABLE chassis.mail (
    id         uuid PRIMARY KEY,
    recipient  text NOT NULL,
    subject    text NOT NULL,
    text       text NOT NULL,
    html       text NOT NULL,
    language   text NOT NULL,
    message_id text NOT NULL,
    attempts   integer NOT NULL DEFAULT 0,
    next_try   timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at    timestamptz
);
CREATE INDEX mail_unsent ON chassis.mail (next_try) WHERE sent_at IS NULL;

-- imports.py: files of an ERP export, staged by COPY, taken in batch by batch.
CREATE TABLE chassis.imports (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL,
    file_name  text NOT NULL,
    state      text NOT NULL DEFAULT 'STAGED' CHECK (state IN ('STAGED', 'RUNNING', 'DONE', 'FAILED')),
    total      integer NOT NULL DEFAULT 0,
    added      integer NOT NULL DEFAULT 0,
    changed    integer NOT NULL DEFAULT 0,
    unchanged  integer NOT NULL DEFAULT 0,
    failed     integer NOT NULL DEFAULT 0,
    staged_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz
);
CREATE TABLE chassis.import_rows (
    import_id uuid NOT NULL REFERENCES chassis.imports ON DELETE CASCADE,
    line      integer NOT NULL,
    cells     jsonb NOT NULL,
    state     text NOT NULL,
    field     text NOT NULL DEFAULT '',
    code      text NOT NULL DEFAULT '',
    reason    text NOT NULL DEFAULT '',
    PRIMARY KEY (import_id, line)
);
CREATE INDEX import_rows_open ON chassis.import_rows (import_id, line) WHERE state = 'NEW';
CREATE INDEX import_rows_bad ON chassis.import_rows (import_id, line) WHERE state = 'BAD';
