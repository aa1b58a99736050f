-- Tickets that are closed by time, tickets that get a site later, and messages that are deleted after thirteen months.

CREATE INDEX tickets_solved ON tickets (settled_at) WHERE state = 'SOLVED';

CREATE INDEX message_causes_by_time ON message_causes (at);
ALTER TABLE messages
    DROP CONSTRAINT messages_cause_id_fkey,
    ADD FOREIGN KEY (cause_id) REFERENCES message_causes ON DELETE CASCADE;

-- A ticket is also found by the number of the site that it got later.
CREATE OR REPLACE FUNCTION make_search_of_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed uuid;
BEGIN
    IF TG_TABLE_NAME = 'tickets' THEN
        changed := NEW.id;
    ELSE
        changed := NEW.ticket_id;
    END IF;
    UPDATE public.tickets t
    SET search = chassis.searched_text(concat_ws(' ', t.number, t.site_number, (
        SELECT left(string_agg(e.text, ' ' ORDER BY e.at, e.id), 50000) FROM public.ticket_entries e
        WHERE e.ticket_id = t.id AND e.kind <> 'NOTE'
    )))
    WHERE t.id = changed;
    RETURN NULL;
END
$$;
CREATE TRIGGER make_search AFTER UPDATE OF site_number ON tickets FOR EACH ROW
    WHEN (OLD.site_number <> NEW.site_number) EXECUTE FUNCTION make_search_of_ticket();

-- A ticket that moves to another site leaves the lists of those who reach the first one alone.
DROP TRIGGER record_move ON tickets;
CREATE TRIGGER record_move AFTER UPDATE OF site_id ON tickets FOR EACH ROW WHEN (OLD.site_id <> NEW.site_id)
    EXECUTE FUNCTION chassis.record_removal('tickets', 'organisation_id', 'site_id');
