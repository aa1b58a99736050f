-- The gross amount beside the net one of an order's price: half a minor unit is rounded up.
UPDATE orders SET price = price || jsonb_build_object(
    'gross', ((price ->> 'minor')::bigint * (1000 + (price ->> 'vatRate')::bigint) + 500) / 1000
) WHERE price IS NOT NULL;
