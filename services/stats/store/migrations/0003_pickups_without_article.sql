-- A pickup may have no agreement, article, fraction or planned day. Its volume is that of no article or fraction.

ALTER TABLE pickups
    ALTER agreement_id DROP NOT NULL, ALTER article_id DROP NOT NULL, ALTER fraction DROP NOT NULL,
    ALTER date DROP NOT NULL;

ALTER TABLE volumes DROP CONSTRAINT volumes_pkey;
ALTER TABLE volumes ALTER article_id DROP NOT NULL, ALTER fraction DROP NOT NULL;
CREATE UNIQUE INDEX volumes_of_organisation ON volumes (organisation_id, day, site_id, article_id, fraction)
    INCLUDE (grams, pickups) NULLS NOT DISTINCT;
