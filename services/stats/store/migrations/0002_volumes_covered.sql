-- Volumes are added up from the indexes of their places alone: in a large table each place's rows lie on pages of their
-- own.

CREATE UNIQUE INDEX volumes_key ON volumes (organisation_id, day, site_id, article_id, fraction)
    INCLUDE (grams, pickups);
ALTER TABLE volumes DROP CONSTRAINT volumes_pkey, ADD CONSTRAINT volumes_pkey PRIMARY KEY USING INDEX volumes_key;
DROP INDEX volumes_of_site;
CREATE INDEX volumes_of_site ON volumes (site_id, day) INCLUDE (organisation_id, article_id, fraction, grams, pickups);
