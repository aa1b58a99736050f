-- imports/importer.py: a dry run reports what an import would do, and changes nothing.

ALTER TABLE chassis.imports ADD COLUMN dry_run boolean NOT NULL DEFAULT false;
