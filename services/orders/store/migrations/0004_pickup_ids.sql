-- The ids of pickups are made of a key of their agreement or order, and of a day or a number (domain/pickup_id.py).

-- 60 bits of the SHA-256 of an id.
CREATE FUNCTION pickup_key(owner_id uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ('x' || left(encode(sha256(uuid_send(owner_id)), 'hex'), 15))::bit(60)::bigint;

ALTER TABLE agreements ADD COLUMN pickup_key bigint NOT NULL GENERATED ALWAYS AS (pickup_key(id)) STORED;
CREATE UNIQUE INDEX agreements_by_pickup_key ON agreements (pickup_key);
ALTER TABLE orders ADD COLUMN pickup_key bigint NOT NULL GENERATED ALWAYS AS (pickup_key(id)) STORED;
CREATE UNIQUE INDEX orders_by_pickup_key ON orders (pickup_key);

-- Recorded pickups get the ids that follow from their agreements or orders, so that each is found by them.
WITH parts AS (
    SELECT id, lpad(to_hex(pickup_key(coalesce(order_id, agreement_id))), 15, '0') AS key,
           CASE WHEN order_id IS NULL THEN '80000000' ELSE 'a0000000' END AS kind,
           CASE WHEN order_id IS NULL THEN planned_on - DATE '1970-01-01' ELSE 1 END AS number
    FROM pickups
), renamed AS (
    SELECT id AS before,
           (left(key, 12) || '8' || right(key, 3) || kind || lpad(to_hex(number), 8, '0'))::uuid AS after
    FROM parts
), reported AS (
    UPDATE reports p SET pickup_id = r.after FROM renamed r WHERE p.pickup_id = r.before
)
UPDATE pickups p SET id = r.after FROM renamed r WHERE p.id = r.before;
