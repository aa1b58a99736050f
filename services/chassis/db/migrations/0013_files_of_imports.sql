-- imports/importer.py: the files of an import, the uploaded one and that of its bad rows, whose reasons are in
-- language. rows_staged: import_rows has the rows of the uploaded file; earlier builds staged them with the upload.
ALTER TABLE chassis.imports
    ADD COLUMN file_id uuid,
    ADD COLUMN bad_rows_file_id uuid,
    ADD COLUMN language text NOT NULL DEFAULT 'fi',
    ADD COLUMN rows_staged boolean NOT NULL DEFAULT true;

-- Earlier builds took names with any character, which the name of a file may not have.
UPDATE chassis.imports SET file_name = kind || '.csv'
WHERE state IN ('STAGED', 'RUNNING') AND file_name !~ '^[[:alnum:] ._-]+$';
