-- events/publish/restore_detection.py: the leadership in which a relay has compared the database with the broker, and the
-- last time, by Kierto's clock, at which that showed a restore.
ALTER TABLE chassis.leader
    ADD checked_epoch bigint NOT NULL DEFAULT 0,
    ADD restored_at   timestamptz;
