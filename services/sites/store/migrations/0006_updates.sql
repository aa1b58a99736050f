-- What changed in the list of sites since an earlier look.

ALTER TABLE sites ADD changed_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE INDEX sites_changed ON sites (changed_in);
CREATE INDEX sites_of_organisation_changed ON sites (organisation_id, changed_in);
CREATE TRIGGER mark_changed BEFORE UPDATE ON sites FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
CREATE TRIGGER record_move AFTER UPDATE OF organisation_id ON sites FOR EACH ROW
    WHEN (OLD.organisation_id <> NEW.organisation_id)
    EXECUTE FUNCTION chassis.record_removal('sites', 'organisation_id', 'id');
CREATE TRIGGER record_deletion AFTER DELETE ON sites FOR EACH ROW
    EXECUTE FUNCTION chassis.record_removal('sites', 'organisation_id', 'id');
