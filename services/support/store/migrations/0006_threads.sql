-- Threads of tickets; tickets of senders who are not known; the employee who works on a ticket.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE tickets
    ALTER organisation_id DROP NOT NULL,
    ALTER site_id DROP NOT NULL,
    ALTER user_id DROP NOT NULL,
    ADD channel      text NOT NULL DEFAULT 'PORTAL',
    ADD pickup_id    uuid,
    ADD order_id     uuid,
    ADD agreement_id uuid,
    ADD assigned_to  uuid,
    ADD updated_at   timestamptz,
    ADD settled_at   timestamptz,
    ADD search       text NOT NULL DEFAULT '';

-- The first message of a ticket is the entry with its id. text is what people wrote: never logged, never announced.
CREATE TABLE ticket_entries (
    id        uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES tickets,
    kind      text NOT NULL,
    channel   text NOT NULL,
    author_id uuid,
    text      text NOT NULL,
    at        timestamptz NOT NULL,
    file_ids  uuid[] NOT NULL DEFAULT '{}'
);
CREATE INDEX entries_of_ticket ON ticket_entries (ticket_id, at, id);
CREATE INDEX entries_of_author ON ticket_entries (author_id, at DESC);

-- What a ticket itself has of its sender. Each read by the staff is in the audit log.
CREATE TABLE ticket_contacts (
    ticket_id       uuid PRIMARY KEY REFERENCES tickets,
    name            text NOT NULL DEFAULT '',
    email           text,
    phone           text,
    address         text NOT NULL DEFAULT '',
    customer_number text NOT NULL DEFAULT '',
    identified_by   text NOT NULL DEFAULT ''
);

-- Tickets are found by words of what customers see of them. The database makes the searched text itself, also when a
-- message is erased.
CREATE FUNCTION make_search_of_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.tickets t
    SET search = chassis.searched_text(concat_ws(' ', t.number, t.site_number, (
        SELECT left(string_agg(e.text, ' ' ORDER BY e.at, e.id), 50000) FROM public.ticket_entries e
        WHERE e.ticket_id = t.id AND e.kind <> 'NOTE'
    )))
    WHERE t.id = NEW.ticket_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER make_search AFTER INSERT OR UPDATE OF text ON ticket_entries FOR EACH ROW WHEN (NEW.kind <> 'NOTE')
    EXECUTE FUNCTION make_search_of_ticket();

INSERT INTO ticket_entries (id, ticket_id, kind, channel, author_id, text, at)
SELECT id, id, 'MESSAGE', 'PORTAL', user_id, message, opened_at FROM tickets;
INSERT INTO ticket_contacts (ticket_id, phone) SELECT id, phone FROM tickets WHERE phone IS NOT NULL;
-- OPEN was the state of every ticket that nobody had dealt with.
UPDATE tickets
SET updated_at = opened_at,
    settled_at = CASE state WHEN 'CLOSED' THEN opened_at END,
    state = CASE state WHEN 'OPEN' THEN 'NEW' ELSE state END;

ALTER TABLE tickets ALTER channel DROP DEFAULT, ALTER updated_at SET NOT NULL, DROP message, DROP phone;
ALTER TABLE tickets
    ADD search_even bigint NOT NULL GENERATED ALWAYS AS (chassis.trigram_signature(search, 0)) STORED,
    ADD search_odd  bigint NOT NULL GENERATED ALWAYS AS (chassis.trigram_signature(search, 1)) STORED;

CREATE INDEX tickets_search ON tickets USING gin (search gin_trgm_ops);
DROP INDEX tickets_by_time;
CREATE INDEX tickets_by_time ON tickets (opened_at DESC, id DESC) INCLUDE (search_even, search_odd);
-- The lists of the staff, who reach all tickets.
CREATE INDEX tickets_by_state ON tickets (state, opened_at DESC, id DESC);
CREATE INDEX tickets_of_assignee ON tickets (assigned_to, opened_at DESC, id DESC) WHERE assigned_to IS NOT NULL;

-- The senders of public forms of the last hour, as digests of address, telephone number and network address.
CREATE TABLE public_forms (
    sender text NOT NULL,
    at     timestamptz NOT NULL
);
CREATE INDEX public_forms_of_sender ON public_forms (sender, at DESC);
CREATE INDEX public_forms_by_time ON public_forms (at);
