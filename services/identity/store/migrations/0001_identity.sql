-- Customers and what registration knows of their invoices; users and what they belong to; partners; sessions.

CREATE TABLE organisations (
    id              uuid PRIMARY KEY,
    customer_number text NOT NULL UNIQUE,
    name            text NOT NULL,
    kind            text NOT NULL,
    business_id     text,
    version         bigint NOT NULL,
    sort_name       text COLLATE "C" NOT NULL
);

-- By customer number, not by organisation: an invoice may be known here before its organisation is.
CREATE TABLE invoices (
    id              uuid PRIMARY KEY,
    customer_number text NOT NULL,
    invoice_number  text NOT NULL,
    invoice_date    date NOT NULL,
    version         bigint NOT NULL,
    doubted         boolean NOT NULL DEFAULT false
);
CREATE INDEX invoices_of_customer ON invoices (customer_number, invoice_date);

-- username_key: domain/names.py; version: of the user's access, raised with every change of it.
CREATE TABLE users (
    id                uuid PRIMARY KEY,
    username          text NOT NULL,
    username_key      text NOT NULL UNIQUE,
    email             text NOT NULL,
    language          text NOT NULL,
    password_hash     text NOT NULL,
    staff             boolean NOT NULL,
    active            boolean NOT NULL,
    version           bigint NOT NULL,
    terms_version     text,
    terms_accepted_at timestamptz,
    created_at        timestamptz NOT NULL
);

-- site_ids NULL: every site; until: the last day, inclusive.
CREATE TABLE memberships (
    user_id         uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    organisation_id uuid NOT NULL REFERENCES organisations,
    role            text NOT NULL,
    billing         boolean NOT NULL,
    site_ids        uuid[],
    until           date,
    PRIMARY KEY (user_id, organisation_id)
);
CREATE INDEX memberships_of_organisation ON memberships (organisation_id);

CREATE TABLE access_requests (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    organisation_id uuid NOT NULL REFERENCES organisations,
    asked_at        timestamptz NOT NULL
);
CREATE INDEX access_requests_of_organisation ON access_requests (organisation_id);

CREATE TABLE partners (
    id                uuid PRIMARY KEY,
    name              text NOT NULL,
    scopes            text[] NOT NULL,
    organisation_ids  uuid[] NOT NULL,
    all_organisations boolean NOT NULL,
    active            boolean NOT NULL,
    version           bigint NOT NULL,
    sort_name         text COLLATE "C" NOT NULL
);

-- digest: domain/secret.py. Several at once while a secret is rotated.
CREATE TABLE partner_secrets (
    partner_id uuid NOT NULL REFERENCES partners ON DELETE CASCADE,
    digest     bytea NOT NULL,
    made_at    timestamptz NOT NULL,
    PRIMARY KEY (partner_id, digest)
);

-- A session is a family of refresh tokens. number: of the last one; rotated_at, salt: how it came from the one before
-- (domain/session.py). Tokens are kept as digests, the used ones too: so that a second use is recognised.
CREATE TABLE sessions (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    number     bigint NOT NULL,
    rotated_at timestamptz,
    salt       bytea NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_expiring ON sessions (expires_at);
CREATE TABLE refresh_tokens (
    digest     bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    number     bigint NOT NULL
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);

-- Attempts at guessing (domain/attempts.py). key: a digest, for it is an address or a name.
CREATE TABLE attempts (
    scope text NOT NULL,
    key   bytea NOT NULL,
    count integer NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Who did what to what, when.
CREATE TABLE audit (
    id      uuid PRIMARY KEY,
    at      timestamptz NOT NULL,
    actor   text NOT NULL,
    action  text NOT NULL,
    subject text NOT NULL
);
