-- bad_rows.py: why a row was left out is a code and its params, and is told in its reader's language. reason: the
-- sentence that earlier builds kept. key: a digest of what the row is about, to find it a second time in its file.
ALTER TABLE chassis.import_rows ADD COLUMN params jsonb NOT NULL DEFAULT '{}', ADD COLUMN key bytea;
CREATE INDEX import_rows_key ON chassis.import_rows (import_id, key, line) WHERE key IS NOT NULL;
