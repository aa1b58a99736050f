-- Orders of some agreements, in the order of the list.

CREATE INDEX orders_of_agreement ON orders (agreement_id, placed_at DESC, id DESC);
