-- The audit entries of every service, identity's own among them: who did what to whose data. They arrive by event
-- (services/contracts/audit.py), and nothing updates or deletes a row.
CREATE TABLE collected_audit (
    id              uuid PRIMARY KEY,
    service         text NOT NULL,
    at              timestamptz NOT NULL,
    actor           text NOT NULL,
    acting_for      text,
    action          text NOT NULL,
    subject         text NOT NULL,
    organisation_id uuid,
    outcome         text NOT NULL
);
INSERT INTO collected_audit
SELECT id, 'identity', at, actor, acting_for, action, subject, organisation_id, outcome FROM chassis.audit;
