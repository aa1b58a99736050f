-- The number that people read out. It comes from a sequence: no order waits for another one, and one may be left out.
CREATE SEQUENCE order_numbers;
ALTER TABLE orders ADD COLUMN number text;
UPDATE orders o SET number = 'ORD-' || extract(year FROM o.placed_at AT TIME ZONE 'UTC') || '-'
    || lpad(numbered.n::text, greatest(6, length(numbered.n::text)), '0')
FROM (SELECT id, nextval('order_numbers') AS n FROM (SELECT id FROM orders ORDER BY placed_at, id) AS placed) AS numbered
WHERE numbered.id = o.id;
ALTER TABLE orders ALTER COLUMN number SET NOT NULL;
CREATE UNIQUE INDEX orders_by_number ON orders (number);
