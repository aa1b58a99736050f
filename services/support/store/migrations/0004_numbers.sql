-- Numbers come from a sequence: no ticket waits for another one, and a number may be left out.
CREATE SEQUENCE ticket_sequence;
SELECT setval('ticket_sequence', (SELECT coalesce(max(last), 0) + 1 FROM ticket_numbers), false);
DROP TABLE ticket_numbers;
ALTER SEQUENCE ticket_sequence RENAME TO ticket_numbers;
