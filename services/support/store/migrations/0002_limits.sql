-- How many messages a person and an organisation wrote within the last hour; and the list of an organisation's tickets.

CREATE INDEX tickets_of_user ON tickets (user_id, opened_at DESC);
CREATE INDEX tickets_of_organisation ON tickets (organisation_id, opened_at DESC, id DESC);
