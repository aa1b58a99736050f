-- Sites are found by words in any order, without case and accents, also by the contact person's name and by the
-- customer number. The database makes the searched text itself: of a site that is written, of one whose customer
-- gets another number (store/organisations.py), and of one whose names are erased.

ALTER TABLE sites DROP COLUMN search_even, DROP COLUMN search_odd, DROP COLUMN search;
DROP FUNCTION trigram_signature;

ALTER TABLE sites ADD search text NOT NULL DEFAULT '';

-- A trigger, since a generated column has the values of its own row alone.
CREATE FUNCTION make_search_of_site() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search := chassis.searched_text(concat_ws(
        ' ', NEW.street, NEW.postal_code, NEW.city, NEW.site_number, NEW.billed_to, NEW.contact_name,
        (SELECT o.customer_number FROM public.organisations o WHERE o.id = NEW.organisation_id)
    ));
    RETURN NEW;
END
$$;
CREATE TRIGGER make_search BEFORE INSERT OR UPDATE ON sites FOR EACH ROW EXECUTE FUNCTION make_search_of_site();
UPDATE sites SET search = '';

ALTER TABLE sites
    ADD search_even bigint NOT NULL GENERATED ALWAYS AS (chassis.trigram_signature(search, 0)) STORED,
    ADD search_odd  bigint NOT NULL GENERATED ALWAYS AS (chassis.trigram_signature(search, 1)) STORED;

CREATE INDEX sites_search ON sites USING gin (search gin_trgm_ops);
CREATE INDEX all_sites_by_address ON sites (sort_address, id) INCLUDE (search_even, search_odd);
CREATE INDEX all_sites_by_city ON sites (sort_city, id) INCLUDE (search_even, search_odd);
CREATE INDEX all_sites_by_number ON sites (site_number, id) INCLUDE (search_even, search_odd);
