-- What changed in the list of orders since an earlier look.

ALTER TABLE orders ADD changed_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE INDEX orders_changed ON orders (changed_in);
CREATE INDEX orders_of_organisation_changed ON orders (organisation_id, changed_in);
CREATE INDEX orders_of_site_changed ON orders (site_id, changed_in);
CREATE TRIGGER mark_changed BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
CREATE TRIGGER record_move AFTER UPDATE OF organisation_id ON orders FOR EACH ROW
    WHEN (OLD.organisation_id <> NEW.organisation_id)
    EXECUTE FUNCTION chassis.record_removal('orders', 'organisation_id', 'site_id');
CREATE TRIGGER record_deletion AFTER DELETE ON orders FOR EACH ROW
    EXECUTE FUNCTION chassis.record_removal('orders', 'organisation_id', 'site_id');
