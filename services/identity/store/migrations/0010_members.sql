-- Members of organisations with their history, invitations, and the sites that both name.

-- since: the beginning; ended_at: the time at which an admin ended it. A user can join again.
ALTER TABLE memberships
    DROP CONSTRAINT memberships_pkey,
    ADD id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ADD since      timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD ended_at   timestamptz,
    ADD version    bigint NOT NULL DEFAULT 1,
    ADD changed_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE UNIQUE INDEX present_memberships ON memberships (user_id, organisation_id) WHERE ended_at IS NULL;
CREATE INDEX memberships_of_user ON memberships (user_id);
CREATE INDEX memberships_by_beginning ON memberships (since, id);
CREATE INDEX memberships_of_organisation_by_beginning ON memberships (organisation_id, since, id);
DROP INDEX memberships_of_organisation;
CREATE INDEX memberships_changed ON memberships (changed_in);
CREATE INDEX memberships_of_organisation_changed ON memberships (organisation_id, changed_in);
CREATE TRIGGER mark_changed BEFORE UPDATE ON memberships FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
CREATE TRIGGER record_deletion AFTER DELETE ON memberships FOR EACH ROW
    EXECUTE FUNCTION chassis.record_removal('members', 'organisation_id', 'none');

-- The copy of sites: memberships and invitations may be limited to some of an organisation's.
CREATE TABLE sites (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    version         bigint NOT NULL,
    doubted         boolean NOT NULL DEFAULT false
);

-- digest: domain/secret.py, of the secret of the link that was sent last. sent: how often it was sent.
CREATE TABLE invitations (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisations,
    email           text NOT NULL,
    language        text NOT NULL,
    role            text NOT NULL,
    billing         boolean NOT NULL,
    site_ids        uuid[],
    until           date,
    invited_by      uuid NOT NULL,
    invited_at      timestamptz NOT NULL,
    sent_at         timestamptz NOT NULL,
    sent            integer NOT NULL,
    expires_at      timestamptz NOT NULL,
    decision        text,
    decided_at      timestamptz,
    member_id       uuid,
    accepted_by     uuid,
    other_email     boolean NOT NULL,
    version         bigint NOT NULL,
    digest          bytea NOT NULL UNIQUE,
    changed_in      bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint
);
CREATE INDEX invitations_of_organisation ON invitations (organisation_id, invited_at, id);
CREATE INDEX invitations_sent ON invitations (organisation_id, sent_at);
CREATE INDEX invitations_by_time ON invitations (invited_at, id);
CREATE INDEX invitations_changed ON invitations (changed_in);
CREATE INDEX invitations_of_organisation_changed ON invitations (organisation_id, changed_in);
CREATE INDEX invitations_old ON invitations (invited_at) WHERE email <> '';
CREATE TRIGGER mark_changed BEFORE UPDATE ON invitations FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
CREATE TRIGGER record_deletion AFTER DELETE ON invitations FOR EACH ROW
    EXECUTE FUNCTION chassis.record_removal('invitations', 'organisation_id', 'none');
