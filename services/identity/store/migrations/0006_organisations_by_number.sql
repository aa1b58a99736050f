-- Each order of the list of organisations, for those who see all.

CREATE INDEX all_organisations_by_number ON organisations (customer_number, id) INCLUDE (search_even, search_odd);
