-- A mail may have header fields of its own, and a time by which the server must have accepted it.

ALTER TABLE chassis.mail
    ADD headers     jsonb NOT NULL DEFAULT '{}',
    ADD deadline    timestamptz,
    ADD given_up_at timestamptz;
