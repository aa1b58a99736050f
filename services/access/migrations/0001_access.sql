-- This service's own copy of who has access to what, kept by identity's access.stated events (copy.py).
-- doubted, here and in every copy: a rebuild is under way, and the owner has not stated this row again yet
-- (chassis/events/copies/rebuild.py).

CREATE SCHEMA access;

CREATE TABLE access.subjects (
    subject_id text PRIMARY KEY,
    kind       text NOT NULL,
    version    bigint NOT NULL,
    active     boolean NOT NULL,
    scopes     text[] NOT NULL,
    doubted    boolean NOT NULL DEFAULT false
);

-- organisation_id NULL: every organisation (staff, and partners with the mark). site_ids NULL: every site of it.
CREATE TABLE access.grants (
    subject_id      text NOT NULL REFERENCES access.subjects ON DELETE CASCADE,
    organisation_id uuid,
    role            text,
    billing         boolean NOT NULL,
    site_ids        uuid[],
    until           date
);
CREATE INDEX grants_subject ON access.grants (subject_id);
