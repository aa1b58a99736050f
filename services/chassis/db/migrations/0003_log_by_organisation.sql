-- log.py: a page of one organisation's public events, however many others have.

CREATE INDEX outbox_of_organisation ON chassis.outbox (organisation_id, sequence) WHERE public;
