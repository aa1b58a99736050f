-- db/tombstones.py: ids of erased things. prefix: that of the id; key: the number under which imports know the thing.

CREATE TABLE chassis.tombstones (
    id        text PRIMARY KEY,
    prefix    text NOT NULL,
    key       text,
    erased_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX tombstones_by_key ON chassis.tombstones (prefix, key) WHERE key IS NOT NULL;
