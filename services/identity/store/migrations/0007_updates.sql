-- What changed in the list of organisations since an earlier look.

ALTER TABLE organisations ADD changed_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE INDEX organisations_changed ON organisations (changed_in);
CREATE TRIGGER mark_changed BEFORE UPDATE ON organisations FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
CREATE TRIGGER record_deletion AFTER DELETE ON organisations FOR EACH ROW
    EXECUTE FUNCTION chassis.record_removal('organisations', 'id', 'none');
