-- What changed in the list of partners since an earlier look, and its order.

ALTER TABLE partners ADD changed_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE INDEX partners_by_name ON partners (sort_name, id);
CREATE INDEX partners_changed ON partners (changed_in);
CREATE TRIGGER mark_changed BEFORE UPDATE ON partners FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
CREATE TRIGGER record_deletion AFTER DELETE ON partners FOR EACH ROW
    EXECUTE FUNCTION chassis.record_removal('partners', 'none', 'none');
