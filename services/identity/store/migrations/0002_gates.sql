-- What a gate remembers beside its count (domain/attempts.py): keys of addresses, as digests like all keys here.

ALTER TABLE attempts
    ADD COLUMN tried_by bytea NOT NULL DEFAULT '',
    ADD COLUMN kept_for bytea NOT NULL DEFAULT '';
