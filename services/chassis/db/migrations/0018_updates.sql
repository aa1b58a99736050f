-- What changed in a list since an earlier look (services/access/updates.py). A listed table has the transaction that
-- changed a row last in changed_in; what left the list of an organisation or a site is kept for 90 days.

-- By a trigger: no statement can forget it.
CREATE FUNCTION chassis.mark_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_in := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END
$$;

CREATE TABLE chassis.removals (
    list            text NOT NULL,
    id              uuid NOT NULL,
    organisation_id uuid,
    site_id         uuid,
    removed_in      bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    removed_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX removals_of_list ON chassis.removals (list, removed_in);
CREATE INDEX removals_of_organisation ON chassis.removals (organisation_id, removed_in);
CREATE INDEX removals_of_site ON chassis.removals (site_id, removed_in);
CREATE INDEX removals_by_time ON chassis.removals (removed_at);

-- The arguments of the trigger: the list, and the columns of the organisation and the site.
CREATE FUNCTION chassis.record_removal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := to_jsonb(OLD);
BEGIN
    INSERT INTO chassis.removals (list, id, organisation_id, site_id)
    VALUES (TG_ARGV[0], OLD.id, (was ->> TG_ARGV[1])::uuid, (was ->> TG_ARGV[2])::uuid);
    RETURN NULL;
END
$$;
