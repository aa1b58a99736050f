-- dead_letters.py: the record's own time, in milliseconds since 1970, which says in which of the inbox's days it belongs.

ALTER TABLE chassis.dead_letters ADD COLUMN timestamp_ms bigint;
UPDATE chassis.dead_letters SET timestamp_ms = 1000 * floor(extract(epoch FROM set_aside));
ALTER TABLE chassis.dead_letters ALTER COLUMN timestamp_ms SET NOT NULL;
