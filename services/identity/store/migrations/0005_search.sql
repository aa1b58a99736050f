-- Organisations are found by words of their name and customer number, without case and accents. The first index is for
-- a search that finds few, the second for one that finds many.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE organisations ADD search text NOT NULL
    GENERATED ALWAYS AS (chassis.searched_text(name || ' ' || customer_number)) STORED;
ALTER TABLE organisations
    ADD search_even bigint NOT NULL
        GENERATED ALWAYS AS (chassis.trigram_signature(chassis.searched_text(name || ' ' || customer_number), 0)) STORED,
    ADD search_odd bigint NOT NULL
        GENERATED ALWAYS AS (chassis.trigram_signature(chassis.searched_text(name || ' ' || customer_number), 1)) STORED;

CREATE INDEX organisations_search ON organisations USING gin (search gin_trgm_ops);
CREATE INDEX all_organisations_by_name ON organisations (sort_name, id) INCLUDE (search_even, search_odd);
