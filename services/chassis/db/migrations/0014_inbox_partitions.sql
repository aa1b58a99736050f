-- events/consume/inbox.py, db/retention.py: the role of the processes owns no table (db/runtime_role.py). These functions
-- make and drop the partitions of the inbox with the rights of the owner.
CREATE FUNCTION chassis.create_inbox_partition(of_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    partition_name text := 'inbox_' || to_char(of_day, 'YYYYMMDD');
BEGIN
    -- One at a time: two workers may ask for the same day.
    PERFORM pg_advisory_xact_lock(hashtext('chassis.inbox'));
    IF to_regclass('chassis.' || partition_name) IS NULL THEN
        EXECUTE format('CREATE TABLE chassis.%I PARTITION OF chassis.inbox FOR VALUES FROM (%L) TO (%L)',
            partition_name, of_day, of_day + 1);
    END IF;
END
$$;
CREATE FUNCTION chassis.drop_inbox_partitions(before_day date) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    expired text;
BEGIN
    FOR expired IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'chassis.inbox'::regclass AND c.relname < 'inbox_' || to_char(before_day, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE chassis.%I', expired);
        RETURN NEXT expired;
    END LOOP;
END
$$;
