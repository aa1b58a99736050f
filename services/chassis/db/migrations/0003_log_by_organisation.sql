-- events/event_log.py: an index for pages of one organisation's public events.

CREATE INDEX outbox_of_organisation ON chassis.outbox (organisation_id, sequence) WHERE public;
