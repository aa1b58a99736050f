-- db/imported_values.py: the last imported value of each field, by the record's number in its kind of file. noted: when
-- another than an import changed a field last.

CREATE TABLE chassis.imported_values (
    kind   text NOT NULL,
    key    text NOT NULL,
    fields jsonb NOT NULL DEFAULT '{}',
    noted  jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (kind, key)
);
