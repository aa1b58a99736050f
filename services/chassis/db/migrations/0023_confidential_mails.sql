-- The body of a mail with a secret is deleted as soon as it is sent or given up.

ALTER TABLE chassis.mail ADD confidential boolean NOT NULL DEFAULT false;
