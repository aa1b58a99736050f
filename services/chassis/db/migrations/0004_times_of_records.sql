-- events/consume/dead_letters.py: the record's timestamp, in milliseconds since 1970; the inbox is partitioned
-- by its day.
-- A build that does not know of it may go on writing here.

ALTER TABLE chassis.dead_letters ADD COLUMN timestamp_ms bigint NOT NULL
    DEFAULT 1000 * extract(epoch FROM clock_timestamp());
UPDATE chassis.dead_letters SET timestamp_ms = 1000 * extract(epoch FROM set_aside);
