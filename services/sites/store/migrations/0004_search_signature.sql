-- A search that finds many is answered from the order's index. It holds a signature of the text's trigrams in place of
-- the text: a row of the index is shorter, a row without the trigrams of the search is passed in less time, and the
-- text may be of any length.

-- One half of the signature: a bit of 63 for each trigram that belongs to it.
CREATE FUNCTION trigram_signature(value text, half integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT coalesce(bit_or(1::bigint << hash % 63), 0)
        FROM (
            SELECT hashtext(substr(value, place, 3)) & 2147483647 FROM generate_series(1, length(value) - 2) AS place
        ) AS trigrams (hash)
        WHERE hash / 63 % 2 = half
    );

ALTER TABLE sites
    ADD search_even bigint NOT NULL GENERATED ALWAYS AS (trigram_signature(search, 0)) STORED,
    ADD search_odd  bigint NOT NULL GENERATED ALWAYS AS (trigram_signature(search, 1)) STORED;

DROP INDEX all_sites_by_address;
CREATE INDEX all_sites_by_address ON sites (sort_address, id) INCLUDE (search_even, search_odd);
DROP INDEX all_sites_by_city;
CREATE INDEX all_sites_by_city ON sites (sort_city, id) INCLUDE (search_even, search_odd);
DROP INDEX all_sites_by_number;
CREATE INDEX all_sites_by_number ON sites (site_number, id) INCLUDE (search_even, search_odd);
