-- Tickets, their receipts that are due, and the copy of sites that says whose a site is.

CREATE TABLE sites (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    site_number     text NOT NULL,
    version         bigint NOT NULL,
    doubted         boolean NOT NULL DEFAULT false
);

-- How many tickets each year (the operator's) has had: their numbers.
CREATE TABLE ticket_numbers (
    year integer PRIMARY KEY,
    last bigint NOT NULL
);

-- message and phone are what people wrote: never logged, never announced.
CREATE TABLE tickets (
    id                 uuid PRIMARY KEY,
    number             text NOT NULL UNIQUE,
    organisation_id    uuid NOT NULL,
    site_id            uuid NOT NULL,
    site_number        text NOT NULL,
    user_id            uuid NOT NULL,
    topic              text NOT NULL,
    state              text NOT NULL,
    message            text NOT NULL,
    contact_preference text NOT NULL,
    phone              text,
    opened_at          timestamptz NOT NULL,
    version            bigint NOT NULL
);
CREATE INDEX tickets_by_time ON tickets (opened_at DESC, id DESC);
CREATE INDEX tickets_of_site ON tickets (site_id, opened_at DESC, id DESC);

-- A row until the receipt's mail is written (or its user is found gone). next_try is by the database's clock.
CREATE TABLE receipts (
    ticket_id uuid PRIMARY KEY REFERENCES tickets,
    user_id   uuid NOT NULL,
    attempts  integer NOT NULL DEFAULT 0,
    next_try  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX receipts_due ON receipts (next_try);
