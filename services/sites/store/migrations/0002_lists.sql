-- Each order of the list of sites, for one organisation and for those who see all.

CREATE INDEX sites_by_city ON sites (organisation_id, sort_city, id);
CREATE INDEX sites_by_number ON sites (organisation_id, site_number, id);
CREATE INDEX all_sites_by_address ON sites (sort_address, id);
CREATE INDEX all_sites_by_city ON sites (sort_city, id);
CREATE INDEX all_sites_by_number ON sites (site_number, id);
