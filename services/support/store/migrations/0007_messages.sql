-- Messages to people: their causes, one row a recipient, and each person's choices.

CREATE TABLE message_causes (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL,
    key             text NOT NULL,
    subject         uuid NOT NULL,
    organisation_id uuid,
    site_id         uuid,
    day             date,
    recipient       text NOT NULL DEFAULT '',
    at              timestamptz NOT NULL,
    first_due_at    timestamptz NOT NULL,
    due_at          timestamptz,
    state           text NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX message_causes_due ON message_causes (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX message_causes_of_subject ON message_causes (kind, subject, at DESC);

-- recipient: the id of a user; of a site, for its contact; or of a ticket, for its sender. No address is kept.
CREATE TABLE messages (
    id         uuid PRIMARY KEY,
    cause_id   uuid NOT NULL REFERENCES message_causes,
    recipient  text NOT NULL,
    state      text NOT NULL,
    written_at timestamptz NOT NULL,
    UNIQUE (cause_id, recipient)
);

-- chooser: the id of a user, or the digest of the address of someone without one.
CREATE TABLE message_choices (
    chooser text NOT NULL,
    kind    text NOT NULL,
    enabled boolean NOT NULL,
    PRIMARY KEY (chooser, kind)
);

-- The users of an organisation or a site; the lists of callers begin from their own grants.
CREATE INDEX grants_of_organisation ON access.grants (organisation_id, site_id);

-- A receipt is a message of a kind. The ticks of the schedule send those that are due.
INSERT INTO message_causes (id, kind, key, subject, organisation_id, site_id, at, first_due_at, due_at, state)
SELECT gen_random_uuid(), 'RECEIPT', t.id::text, t.id, t.organisation_id, t.site_id, t.opened_at, t.opened_at,
       t.opened_at, 'DUE'
FROM receipts r JOIN tickets t ON t.id = r.ticket_id;
DELETE FROM chassis.pgqueuer WHERE entrypoint = 'send-receipt';
DROP TABLE receipts;
