-- Sessions that ended lately, kept by identity's session.ended events (copy.py): an access token outlives its session by
-- minutes. Rows go when no token can be as old (copy.py, EXPIRE), by the database's clock.

CREATE TABLE access.ended_sessions (
    session_id text PRIMARY KEY,
    kept_since timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ended_sessions_kept_since ON access.ended_sessions (kept_since);
