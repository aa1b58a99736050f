-- files/: the files of a service's things; their bytes are in the store, in pending/ or kept/. deleted: the bytes are
-- about to be deleted, and the row after them. owner: the id of the thing that the file was uploaded for.
CREATE TABLE chassis.files (
    id         uuid PRIMARY KEY,
    owner      text NOT NULL,
    name       text NOT NULL,
    media_type text NOT NULL,
    bytes      bigint NOT NULL CHECK (bytes > 0),
    sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
    state      text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'kept', 'deleted')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz
);
CREATE INDEX files_pending ON chassis.files (created_at) WHERE state = 'pending';
CREATE INDEX files_expiring ON chassis.files (expires_at) WHERE state = 'kept' AND expires_at IS NOT NULL;

-- files/storage.py: one row. The generation of the log at the last sweep, and since when sweeps have followed each other
-- in this generation without a gap.
CREATE TABLE chassis.file_sweep (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    generation uuid NOT NULL,
    since      timestamptz NOT NULL,
    swept_at   timestamptz NOT NULL
);
INSERT INTO chassis.file_sweep (generation, since, swept_at)
SELECT generation, '-infinity', clock_timestamp() FROM chassis.leader;
