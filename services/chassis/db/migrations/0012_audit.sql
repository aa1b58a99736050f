-- audit: the actions that are accounted for. The services insert and select here; nothing updates or deletes a row.
--
-- A position is drawn by a transaction that has its id already (CASE keeps this order). So the job that chains the rows
-- knows all transactions that may still commit a row at or before a position (audit/chain.py).
CREATE SEQUENCE chassis.audit_positions;
CREATE TABLE chassis.audit (
    position        bigint PRIMARY KEY DEFAULT CASE
                        WHEN pg_current_xact_id() IS NOT NULL THEN nextval('chassis.audit_positions')
                    END,
    id              uuid NOT NULL UNIQUE,
    at              timestamptz NOT NULL,
    actor           text NOT NULL,
    acting_for      text,
    action          text NOT NULL,
    subject         text NOT NULL,
    organisation_id uuid,
    outcome         text NOT NULL DEFAULT 'DONE' CHECK (outcome IN ('DONE', 'REFUSED')),
    personal_digest bytea
);

-- The personal fields of an entry, which an erasure deletes. The entry keeps their digest; without the salt, which goes
-- with them, it tells nothing of short values.
CREATE TABLE chassis.audit_personal (
    audit_id  uuid PRIMARY KEY REFERENCES chassis.audit (id),
    person_id uuid NOT NULL,
    salt      bytea NOT NULL,
    fields    jsonb NOT NULL
);
CREATE INDEX audit_personal_of_person ON chassis.audit_personal (person_id);

-- audit/chain.py: rows with their digests, in order. digest: that of the batch and the digest of the batch before it.
CREATE TABLE chassis.audit_batches (
    number      bigint PRIMARY KEY,
    positions   bigint[] NOT NULL,
    row_digests bytea[] NOT NULL,
    digest      bytea NOT NULL
);
