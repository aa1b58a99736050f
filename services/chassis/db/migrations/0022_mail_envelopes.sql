-- A mail may name the sender of its envelope, to which reports of its delivery go; empty: the sender of the mail.

ALTER TABLE chassis.mail ADD envelope_sender text NOT NULL DEFAULT '';
