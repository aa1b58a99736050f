-- jobs/fan_out.py: how far the events of a change's consequences have been emitted. No row: done, or never begun.
CREATE SEQUENCE chassis.fan_out_versions;
CREATE TABLE chassis.fan_outs (
    kind    text NOT NULL,
    subject text NOT NULL,
    version bigint NOT NULL,
    after   uuid NOT NULL,
    PRIMARY KEY (kind, subject)
);
