-- dead_letters.py: the record's own time, in milliseconds since 1970, which says in which of the inbox's days it belongs.
-- A build that does not know of it may go on writing here.

ALTER TABLE chassis.dead_letters ADD COLUMN timestamp_ms bigint NOT NULL
    DEFAULT 1000 * extract(epoch FROM clock_timestamp());
UPDATE chassis.dead_letters SET timestamp_ms = 1000 * extract(epoch FROM set_aside);
