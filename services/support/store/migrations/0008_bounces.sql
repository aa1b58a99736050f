-- Mails that came back, and the addresses to which none are sent for that.

-- address: the digest of the address to which the message was mailed; empty for messages of before.
ALTER TABLE messages
    ADD address    text NOT NULL DEFAULT '',
    ADD bounced_at timestamptz;
CREATE INDEX messages_bounced ON messages (address, bounced_at) WHERE bounced_at IS NOT NULL;

-- address: the digest of the address. recipient: that of the message that came back last.
CREATE TABLE mail_suppressions (
    id         uuid PRIMARY KEY,
    address    text NOT NULL UNIQUE,
    recipient  text NOT NULL,
    reason     text NOT NULL,
    status     text NOT NULL,
    since      timestamptz NOT NULL,
    changed_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint
);
CREATE INDEX mail_suppressions_by_time ON mail_suppressions (since DESC, id DESC);
CREATE INDEX mail_suppressions_changed ON mail_suppressions (changed_in);
CREATE TRIGGER mark_changed BEFORE UPDATE ON mail_suppressions FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
CREATE TRIGGER record_deletion AFTER DELETE ON mail_suppressions FOR EACH ROW
    EXECUTE FUNCTION chassis.record_removal('mail_suppressions', 'none', 'none');

-- The users who had mail sent again within the last hour.
CREATE TABLE mail_resumptions (
    user_id text NOT NULL,
    at      timestamptz NOT NULL
);
CREATE INDEX mail_resumptions_of_user ON mail_resumptions (user_id, at DESC);
CREATE INDEX mail_resumptions_by_time ON mail_resumptions (at);
