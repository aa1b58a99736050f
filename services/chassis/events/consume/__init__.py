"""The consumer: batches in one transaction each, offsets and inbox in the database, dead letters."""
