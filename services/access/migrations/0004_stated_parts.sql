-- stated_parts.py: parts of a subject's access whose others are still on their way.

CREATE TABLE access.stated_parts (
    subject_id text NOT NULL,
    version    bigint NOT NULL,
    part       integer NOT NULL,
    stated     bytea NOT NULL,
    PRIMARY KEY (subject_id, version, part)
);
