-- A receipt is sent by a job, which keeps its attempts.
INSERT INTO chassis.pgqueuer (priority, entrypoint, payload, status)
SELECT 0, 'send-receipt', convert_to(json_build_object('type', 'send-receipt', 'ticket_id', ticket_id)::text, 'UTF8'),
       'queued'
FROM receipts;
DROP INDEX receipts_due;
ALTER TABLE receipts DROP COLUMN attempts, DROP COLUMN next_try;
