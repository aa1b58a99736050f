-- Orders in some states: for those who see all by an index, for others read with the places of the list.

CREATE INDEX orders_by_state ON orders (state, placed_at DESC, id DESC);
DROP INDEX orders_of_organisation;
CREATE INDEX orders_of_organisation ON orders (organisation_id, placed_at DESC, id DESC) INCLUDE (state);
DROP INDEX orders_of_site;
CREATE INDEX orders_of_site ON orders (site_id, placed_at DESC, id DESC) INCLUDE (organisation_id, state);
