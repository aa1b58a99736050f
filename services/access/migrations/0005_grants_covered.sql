-- What a subject reaches is read from the index alone: those with hundreds of grants had as many looks at rows.

DROP INDEX access.grants_reach;
CREATE INDEX grants_reach ON access.grants (subject_id, organisation_id, site_id) INCLUDE (role, billing, until);
