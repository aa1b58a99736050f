-- A grant of some sites is a row for each: an index finds what a subject reaches, and whether it reaches a site.
-- site_id NULL: every site of the organisation.

ALTER TABLE access.grants ADD COLUMN site_id uuid;
INSERT INTO access.grants (subject_id, organisation_id, role, billing, site_id, until)
SELECT subject_id, organisation_id, role, billing, unnest(site_ids), until FROM access.grants WHERE site_ids IS NOT NULL;
DELETE FROM access.grants WHERE site_ids IS NOT NULL;
ALTER TABLE access.grants DROP COLUMN site_ids;
CREATE INDEX grants_reach ON access.grants (subject_id, organisation_id, site_id);
DROP INDEX access.grants_subject;
