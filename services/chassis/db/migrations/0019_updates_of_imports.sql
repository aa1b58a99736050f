-- What changed in the list of a kind's imports since an earlier look.

ALTER TABLE chassis.imports ADD changed_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE INDEX imports_changed ON chassis.imports (kind, changed_in);
CREATE TRIGGER mark_changed BEFORE UPDATE ON chassis.imports FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
CREATE TRIGGER record_deletion AFTER DELETE ON chassis.imports FOR EACH ROW
    EXECUTE FUNCTION chassis.record_removal('imports', 'none', 'none');
