-- Users' own accounts: verified addresses, changes, one-time links.

-- account_version: of username, address, password and language, raised with every change of them.
-- look_alike_key: domain/names.py. Of users whose names look alike already, one has it.
ALTER TABLE users
    ADD COLUMN email_verified_at timestamptz,
    ADD COLUMN account_version   bigint NOT NULL DEFAULT 1,
    ADD COLUMN look_alike_key    text UNIQUE;
-- Whoever is there already got mail before.
UPDATE users SET email_verified_at = created_at;
UPDATE users SET look_alike_key = translate(
    username_key, 'авԁекһіјӏмнорԛѕтуԝхѵαβεζηικμνορτυχօոսհցզ01', 'abdekhijlmhopqstywxvabezhikmvoptuxonuhgqol'
) WHERE id IN (
    SELECT DISTINCT ON (translate(
        username_key, 'авԁекһіјӏмнорԛѕтуԝхѵαβεζηικμνορτυχօոսհցզ01', 'abdekhijlmhopqstywxvabezhikmvoptuxonuhgqol'
    )) id FROM users ORDER BY translate(
        username_key, 'авԁекһіјӏмнорԛѕтуԝхѵαβεζηικμνορτυχօոսհցզ01', 'abdekhijlmhopqstywxvabezhikmvoptuxonuhgqol'
    ), created_at, id
);
CREATE INDEX users_by_email ON users (lower(email));

-- digest: domain/secret.py. Links are deleted when they have expired, or when a later one takes their place.
CREATE TABLE links (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose    text NOT NULL,
    digest     bytea NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX links_of_user ON links (user_id, purpose);
CREATE INDEX links_expiring ON links (expires_at);

-- A change of address that waits for confirmations.
CREATE TABLE email_changes (
    user_id       uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    email         text NOT NULL,
    expires_at    timestamptz NOT NULL,
    new_confirmed boolean NOT NULL,
    old_confirmed boolean NOT NULL
);
CREATE INDEX email_changes_expiring ON email_changes (expires_at);
