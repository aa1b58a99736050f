-- What changed in the list of tickets since an earlier look.

ALTER TABLE tickets ADD changed_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE INDEX tickets_changed ON tickets (changed_in);
CREATE INDEX tickets_of_organisation_changed ON tickets (organisation_id, changed_in);
CREATE INDEX tickets_of_site_changed ON tickets (site_id, changed_in);
CREATE TRIGGER mark_changed BEFORE UPDATE ON tickets FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
CREATE TRIGGER record_move AFTER UPDATE OF organisation_id ON tickets FOR EACH ROW
    WHEN (OLD.organisation_id <> NEW.organisation_id)
    EXECUTE FUNCTION chassis.record_removal('tickets', 'organisation_id', 'site_id');
CREATE TRIGGER record_deletion AFTER DELETE ON tickets FOR EACH ROW
    EXECUTE FUNCTION chassis.record_removal('tickets', 'organisation_id', 'site_id');
