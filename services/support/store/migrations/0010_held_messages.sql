-- Messages that the restore of a backup has made uncertain: by cause, until the staff decide.

CREATE TABLE held_messages (
    id              uuid PRIMARY KEY REFERENCES message_causes ON DELETE CASCADE,
    kind            text NOT NULL,
    subject_id      text NOT NULL,
    organisation_id uuid,
    site_id         uuid,
    caused_at       timestamptz NOT NULL,
    held_at         timestamptz NOT NULL,
    state           text NOT NULL,
    decided_by      text,
    decided_at      timestamptz,
    changed_in      bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint
);
CREATE INDEX held_messages_by_cause_time ON held_messages (caused_at, id);
CREATE INDEX held_messages_changed ON held_messages (changed_in);
CREATE TRIGGER mark_changed BEFORE UPDATE ON held_messages FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
CREATE TRIGGER record_deletion AFTER DELETE ON held_messages FOR EACH ROW
    EXECUTE FUNCTION chassis.record_removal('heldMessages', 'none', 'none');
