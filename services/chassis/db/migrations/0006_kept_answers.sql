-- db/idempotency.py: a kept answer is the result's type and ids. Answers of earlier builds had its contents.

DELETE FROM chassis.answers;
ALTER TABLE chassis.answers DROP COLUMN answer, ADD COLUMN result_type text, ADD COLUMN result_ids text[];
