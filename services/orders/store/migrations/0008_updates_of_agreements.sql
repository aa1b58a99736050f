-- What changed in a site's list of agreements since an earlier look. A site has few: the index of its agreements serves.

ALTER TABLE agreements ADD changed_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE TRIGGER mark_changed BEFORE UPDATE ON agreements FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
CREATE TRIGGER record_move AFTER UPDATE OF site_id ON agreements FOR EACH ROW
    WHEN (OLD.site_id <> NEW.site_id)
    EXECUTE FUNCTION chassis.record_removal('agreements', 'none', 'site_id');
CREATE TRIGGER record_deletion AFTER DELETE ON agreements FOR EACH ROW
    EXECUTE FUNCTION chassis.record_removal('agreements', 'none', 'site_id');

-- changed_in: the transaction that gave the site to another organisation. Its agreements changed with it.
ALTER TABLE sites ADD changed_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE TRIGGER mark_changed BEFORE UPDATE ON sites FOR EACH ROW
    WHEN (OLD.organisation_id <> NEW.organisation_id) EXECUTE FUNCTION chassis.mark_changed();
