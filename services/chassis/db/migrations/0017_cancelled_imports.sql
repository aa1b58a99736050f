-- imports/importer.py: who started an import, and when it ended. rows_wait_since: the time from which on its rows wait
-- for records that they refer to.
ALTER TABLE chassis.imports
    ADD COLUMN started_by text,
    ADD COLUMN finished_at timestamptz,
    ADD COLUMN rows_wait_since timestamptz,
    DROP CONSTRAINT imports_state_check,
    ADD CONSTRAINT imports_state_check CHECK (state IN ('STAGED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED'));
UPDATE chassis.imports SET rows_wait_since = started_at WHERE state = 'RUNNING' AND rows_staged;

-- Running imports that are to stop. A table of its own: an import's row is locked while its file is staged.
CREATE TABLE chassis.import_cancellations (
    import_id uuid PRIMARY KEY REFERENCES chassis.imports ON DELETE CASCADE
);
