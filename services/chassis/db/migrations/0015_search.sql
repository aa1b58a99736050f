-- db/search_words.py: what lists are searched by. Columns are generated with these functions, beside the values that
-- they are made of.

-- A text in the form in which it is searched: its words without case and accents, each after a space.
-- search_words.py does the same to the words of a search.
CREATE FUNCTION chassis.searched_text(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ' ' || trim(regexp_replace(
        replace(replace(replace(translate(
            casefold(
                regexp_replace(normalize(value, NFKD), '[\u00AD\u0300-\u036F\u200B-\u200D\u2060\uFEFF]+', '', 'g')
                COLLATE pg_unicode_fast
            ),
            'øđðħıłŋŧ', 'oddhilnt'
        ), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
        '[\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00BF\u00D7\u00F7\u2000-\u206F\u3000-\u303F]+', ' ', 'g'
    ));

-- One half of the signature of a text's trigrams: a bit of 63 for each trigram that belongs to it.
CREATE FUNCTION chassis.trigram_signature(value text, half integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT coalesce(bit_or(1::bigint << hash % 63), 0)
        FROM (
            SELECT hashtext(substr(value, place, 3)) & 2147483647 FROM generate_series(1, length(value) - 2) AS place
        ) AS trigrams (hash)
        WHERE hash / 63 % 2 = half
    );
