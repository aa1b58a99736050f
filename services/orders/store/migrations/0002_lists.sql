-- Orders in some states, for those who see all.

CREATE INDEX orders_by_state ON orders (state, placed_at DESC, id DESC);
