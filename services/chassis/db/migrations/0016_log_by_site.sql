-- events/event_log.py: the site that an event is about, and an index for pages of one site's public events.
-- Events of before have it in their data, as a TypeID: its suffix is 26 digits of 5 bits, the first two of them zero
-- (Crockford's base 32).

ALTER TABLE chassis.outbox ADD COLUMN site_id uuid;
UPDATE chassis.outbox AS logged
SET site_id = (
    SELECT string_agg(to_hex(substr(digits.bits, 4 * place + 3, 4)::bit(4)::int), '' ORDER BY place)::uuid
    FROM (
        SELECT string_agg((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(written.site, place + 5, 1)) - 1)::bit(5)::text,
                          '' ORDER BY place) AS bits
        FROM generate_series(1, 26) AS place
    ) AS digits, generate_series(0, 31) AS place
)
FROM (
    SELECT position, convert_from(data, 'UTF8')::jsonb ->> 'siteId' AS site FROM chassis.outbox WHERE public
) AS written
WHERE written.position = logged.position AND written.site ~ '^site_[0-7][0-9a-hjkmnp-tv-z]{25}$';
CREATE INDEX outbox_of_site ON chassis.outbox (site_id, sequence) WHERE public;
